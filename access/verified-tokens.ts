import { createRecentEntries, type RecentEntries } from "../runtime/recent-entries.ts";
import type { Verified } from "./token-verifier.ts";

/** Good tokens by the text of their `authorization`, in bounded memory. */
export type VerifiedTokens = RecentEntries<Verified>;

/** Users ask again and again around the opening: that many of them, twice, are answered from memory. */
export const VERIFIED_HALF_MAX = 10_000;

export function createVerifiedTokens(): VerifiedTokens {
  return createRecentEntries(VERIFIED_HALF_MAX);
}
