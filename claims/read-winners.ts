import { claimOf } from "../campaign/claim-record.ts";
import type { Claim } from "../pool/answers.ts";
import type { Issuances } from "../record/issuances.ts";
import type { IssuePosition } from "../record/issue-ranges.ts";
import { isPseudonym } from "../record/pseudonym.ts";
import { createKeyFilter, type KeyFilter } from "./key-filter.ts";

/** The fields of a claim other than its campaign and its key. */
export type Winner = Omit<Claim, "campaignId" | "claimKey">;

/** Issuances and claim keys per read: small, because claims wait while a server decodes a page. */
const PAGE = 500;
const KEYS_PAGE = 2_000;

/**
 * A filter for `total` keys, filled with those of all issuances; how many were read, and whether some are
 * pseudonyms. `seed`: see createKeyFilter.
 */
export async function readClaimKeys(
  issuances: Pick<Issuances, "claimKeys">,
  campaignId: string,
  total: number,
  seed?: number,
): Promise<{ readonly filter: KeyFilter; readonly read: number; readonly hasErased: boolean }> {
  const filter = createKeyFilter(total, seed);
  let read = 0;
  let hasErased = false;
  let after: string | undefined;
  for (;;) {
    const keys = await issuances.claimKeys(campaignId, after, KEYS_PAGE);
    for (const key of keys) filter.add(key);
    // Pseudonyms come before all other keys.
    hasErased ||= keys[0] !== undefined && isPseudonym(keys[0]);
    read += keys.length;
    after = keys.at(-1);
    if (keys.length < KEYS_PAGE) return { filter, read, hasErased };
  }
}

/** All durable claims of a campaign by claim key. */
export async function readWinners(
  issuances: Pick<Issuances, "inOrder">,
  campaignId: string,
): Promise<ReadonlyMap<string, Winner>> {
  const winners = new Map<string, Winner>();
  let after: IssuePosition | undefined;
  for (;;) {
    const page = await issuances.inOrder(campaignId, after, PAGE);
    for (const issuance of page) {
      const { claimKey, campaignId: _, ...winner } = claimOf(issuance);
      winners.set(claimKey, winner);
    }
    after = page.at(-1);
    if (page.length < PAGE) return winners;
  }
}
