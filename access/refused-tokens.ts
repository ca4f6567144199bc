import { createRecentEntries } from "../runtime/recent-entries.ts";
import type { Principal } from "./principal.ts";
import type { Verified } from "./token-verifier.ts";

/** A crowd has few tokens that a shop once signed, and sends them again and again. */
export const REFUSED_HALF_MAX = 1_000;
/** Not for ever: a clock that was ahead and is set back makes an expired token good again. */
const REFUSED_KEPT_MS = 5_000;

/** Tokens that were verified and are wrong for good, for a while. Apart: they push out no good ones. */
export type RefusedTokens = {
  get(authorization: string, nowMs: number): Principal | undefined;
  keep(authorization: string, refused: Verified, nowMs: number): void;
  clear(): void;
};

export function createRefusedTokens(): RefusedTokens {
  const recent = createRecentEntries<Verified>(REFUSED_HALF_MAX);
  return {
    get(authorization, nowMs) {
      const known = recent.get(authorization);
      return known !== undefined && nowMs < known.untilMs ? known.principal : undefined;
    },
    keep(authorization, { principal, untilMs }, nowMs) {
      if (untilMs <= nowMs) return;
      recent.keep(authorization, { principal, untilMs: Math.min(untilMs, nowMs + REFUSED_KEPT_MS) });
    },
    clear: recent.clear,
  };
}
