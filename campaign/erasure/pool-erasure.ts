import { ERASED_KEYS_MAX, type ErasedField } from "../../pool/erasure-calls.ts";
import type { Pool } from "../../pool/pool.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Erasing } from "../../record/erasing.ts";
import { isPseudonym } from "../../record/pseudonym.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { ERASED_SHAPE } from "../../runtime/stored-shape.ts";
import type { Restore } from "../restore.ts";
import { boundOf } from "./bound-of.ts";

export type PoolErasureDeps = {
  readonly pool: Pick<Pool, "mark" | "erase" | "bindings">;
  readonly campaigns: Pick<Campaigns, "find">;
  readonly erasing: Pick<Erasing, "erasedAmong">;
  readonly restore: Restore;
  readonly clock: Clock;
};

/** The pool of a campaign could not be reached or made again: the erasure is gone on with later. */
export class PoolNotErased extends Error {
  override readonly name = "PoolNotErased";
}

/** How long an erasure waits for a pool that is being made again, and how often it looks, in ms. */
const POOL_WAIT_MS = 20_000;
const POOL_LOOK_MS = 100;
const BINDINGS_PAGE = 1_000;

/** Whether nothing more is issued by this campaign unless coupons are added: its pool is not needed. */
export function issuesNoMore({ state, settling, adding }: CampaignDoc): boolean {
  if (state === "SOLD_OUT") return adding === undefined;
  return (state === "ENDED" || state === "CANCELLED") && settling === undefined;
}

/** The part of an erasure that the pool sees. */
export function createPoolErasure({ pool, campaigns, erasing, restore, clock }: PoolErasureDeps) {
  /**
   * Repeats a call until it met the pool in use. While a pool is being made again, the load may have read
   * MongoDB before the erasure; so the call is made on the result too. Where there is no pool and none is
   * needed, whoever makes one reads MongoDB after this.
   */
  async function onPoolInUse(
    campaignId: string,
    call: (campaign: CampaignDoc) => Promise<{ status: string }>,
  ) {
    const giveUpAtMs = clock.elapsed() + POOL_WAIT_MS;
    for (;;) {
      const { status } = await onceMore(campaignId, call);
      if (status === "ok") return;
      const campaign = await campaigns.find(campaignId);
      if (campaign === null || campaign.state === "GENERATING") return;
      if (issuesNoMore(campaign) && campaign.lease === undefined) return;
      if (clock.elapsed() >= giveUpAtMs)
        throw new PoolNotErased(`the pool of campaign ${campaignId} is ${status}: the erasure goes on later`);
      if ((await restore(campaignId)) !== "loaded") await sleep(clock, POOL_LOOK_MS);
    }
  }

  async function onceMore(campaignId: string, call: (campaign: CampaignDoc) => Promise<{ status: string }>) {
    const campaign = await campaigns.find(campaignId);
    return campaign === null ? { status: "ok" } : call(campaign);
  }

  const erase = (campaignId: string, keys: readonly ErasedField[]) =>
    onPoolInUse(campaignId, () => pool.erase(campaignId, keys));

  return {
    mark: (campaignId: string, fingerprint: string) =>
      onPoolInUse(campaignId, ({ loadedGeneration }) =>
        pool.mark(campaignId, fingerprint, ERASED_SHAPE, loadedGeneration),
      ),

    /** Puts the pseudonyms of these issuances into the pool. */
    async erase(campaignId: string, keys: readonly ErasedField[]): Promise<void> {
      for (let at = 0; at < keys.length; at += ERASED_KEYS_MAX)
        await erase(campaignId, keys.slice(at, at + ERASED_KEYS_MAX));
    },

    /**
     * The same for every claim whose issuance has a pseudonym: for a process that goes on with an erasure
     * and does not know which ids another one has replaced in MongoDB. Reads the whole pool.
     */
    async eraseStrays(campaignId: string, turn: () => Promise<void>): Promise<void> {
      for (const of of ["claims", "loadingClaims"] as const) {
        let cursor = "0";
        do {
          await turn();
          const page = await pool.bindings(campaignId, of, cursor, BINDINGS_PAGE);
          cursor = page.next;
          const plain = page.bound.filter(({ field }) => !isPseudonym(field));
          const erased = await erasing.erasedAmong(
            campaignId,
            plain.map(({ code }) => code),
          );
          const strays = plain.flatMap(({ field, code }): ErasedField[] => {
            const issuance = erased.get(code);
            return issuance === undefined ? [] : [{ field, erased: boundOf(issuance), code }];
          });
          for (let at = 0; at < strays.length; at += ERASED_KEYS_MAX)
            await pool.erase(campaignId, strays.slice(at, at + ERASED_KEYS_MAX));
        } while (cursor !== "0");
      }
    },
  };
}
