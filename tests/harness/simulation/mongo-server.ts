import type { CampaignDoc, CouponDoc, IssuanceDoc } from "../../../record/documents.ts";
import { type Actor, newActor } from "./agenda.ts";
import { type Machine, type World, wallMs } from "./world.ts";

/**
 * An issuance as the primary has it. Readers see it, and the insert is acknowledged, once it has reached the
 * majority.
 */
export type Stored = {
  readonly doc: IssuanceDoc;
  majority: boolean;
  /** The step of the agenda at which it reached the majority. */
  durableStep: number;
};

/** The one campaign of a simulation and its collections, with the indexes that arbitrate. */
export type MongoServer = {
  readonly actor: Actor;
  readonly machine: Machine;
  readonly incarnation: number;
  readonly campaign: CampaignDoc;
  readonly coupons: readonly CouponDoc[];
  nowMs(): number;
  /** Inserts into the primary, or returns the issuance that conflicts. */
  insert(doc: IssuanceDoc): Stored | { readonly duplicateOf: Stored };
  /** All issuances that readers see. */
  visible(): IssuanceDoc[];
  /** The issuance of this code, visible to readers or not yet. */
  holder(code: string): IssuanceDoc | undefined;
  holderIsVisible(code: string): boolean;
  /** The step from which readers see the issuance of this key; infinity: not yet. */
  durableStep(claimKey: string): number;
  reachedMajority(stored: Stored): void;
  /** Crashes it; each issuance without a majority is kept or rolled back at random. */
  kill(): void;
  start(): void;
};

export function createMongoServer(
  world: World,
  campaign: CampaignDoc,
  coupons: readonly CouponDoc[],
): MongoServer {
  const machine: Machine = { offsetMs: 0 };
  const actor = newActor("mongo");
  const byCode = new Map<string, Stored>();
  const byKey = new Map<string, Stored>();
  let incarnation = 1;

  function reachedMajority(stored: Stored): void {
    stored.majority = true;
    stored.durableStep = world.agenda.steps();
  }

  return {
    actor,
    machine,
    campaign,
    coupons,
    get incarnation() {
      return incarnation;
    },
    nowMs: () => wallMs(world, machine),
    insert(doc) {
      const standing =
        byCode.get(doc._id) ?? (world.plant === "no-key-index" ? undefined : byKey.get(doc.claimKey));
      if (standing !== undefined) return { duplicateOf: standing };
      const stored = { doc, majority: false, durableStep: Number.POSITIVE_INFINITY };
      byCode.set(doc._id, stored);
      byKey.set(doc.claimKey, stored);
      return stored;
    },
    visible: () => [...byCode.values()].filter((stored) => stored.majority).map((stored) => stored.doc),
    holder: (code) => byCode.get(code)?.doc,
    holderIsVisible: (code) => byCode.get(code)?.majority === true,
    durableStep: (claimKey) => byKey.get(claimKey)?.durableStep ?? Number.POSITIVE_INFINITY,
    reachedMajority,
    kill() {
      actor.alive = false;
      actor.heldUntilMs = 0;
      incarnation++;
      for (const stored of [...byCode.values()]) {
        if (stored.majority) continue;
        if (world.random.chance(0.5)) {
          reachedMajority(stored);
          continue;
        }
        byCode.delete(stored.doc._id);
        byKey.delete(stored.doc.claimKey);
      }
    },
    start() {
      actor.alive = true;
    },
  };
}
