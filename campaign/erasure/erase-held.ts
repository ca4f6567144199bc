import type { ErasedField } from "../../pool/erasure-calls.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Erasing, Held, Replacement } from "../../record/erasing.ts";
import { boundOf, fieldOfIssuance } from "./bound-of.ts";
import type { createPoolErasure } from "./pool-erasure.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

export type EraseHeldDeps = {
  readonly campaigns: Pick<Campaigns, "recordErasure">;
  readonly erasing: Pick<Erasing, "replace">;
  readonly poolErasure: Pick<ReturnType<typeof createPoolErasure>, "erase">;
};

/** An erasure under way: its actor, and what it does between two batches. */
export type ErasureTurn = {
  readonly actor: string;
  readonly pseudonyms: Pseudonyms;
  /** Waits until the next batch may begin. @throws where this process may not go on */
  turn(): Promise<void>;
};

/** Issuances in one entry of the history. */
const ENTRY_MAX = 1_000;
/** Issuances replaced at once: some milliseconds of MongoDB. */
const BATCH = 200;

/**
 * Replaces the ids of these issuances, in MongoDB first and then in the pool. The entry of the history comes
 * before the first of them, so that no id is replaced without it. Returns how many it replaced.
 */
export async function eraseHeld(
  { campaigns, erasing, poolErasure }: EraseHeldDeps,
  { _id: campaignId }: Pick<CampaignDoc, "_id">,
  held: readonly Held[],
  { actor, pseudonyms, turn }: ErasureTurn,
  isNoted = false,
): Promise<number> {
  let replaced = 0;
  for (let from = 0; from < held.length; from += ENTRY_MAX) {
    const entry = held.slice(from, from + ENTRY_MAX);
    const places = entry.map(({ generation, seq }) => `${generation}-${seq}`);
    if (!isNoted) await campaigns.recordErasure(campaignId, actor, { count: entry.length, places });
    for (let at = 0; at < entry.length; at += BATCH) {
      await turn();
      const batch = entry.slice(at, at + BATCH).map((one): Replacement => {
        const { claimKey, userId } = pseudonyms.inPlaceOf(campaignId, one);
        return { held: one, claimKey, userId };
      });
      replaced += await erasing.replace(campaignId, batch);
      await poolErasure.erase(campaignId, batch.map(erasedField));
    }
  }
  return replaced;
}

function erasedField({ held, claimKey, userId = "" }: Replacement): ErasedField {
  return { field: fieldOfIssuance(held), erased: boundOf({ ...held, claimKey, userId }), code: held._id };
}
