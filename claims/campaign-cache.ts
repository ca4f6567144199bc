import type { ClaimAuthMode } from "../access/claim-auth-mode.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Clock } from "../runtime/clock.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";
import { createSingleFlight } from "../runtime/single-flight.ts";
import { QueueFull } from "./batch-queue.ts";

/** The facts of a campaign that every claim needs, and that stay true. */
export type CampaignFacts = Pick<CampaignDoc, "onePerUser"> & {
  /** The pool cannot be of a lower generation: this one had been swapped in before the campaign was read. */
  readonly leastGeneration: number;
  /**
   * How many coupons a user may have, where it is more than one: a claim key is then of a user and a request.
   * 1: one per user, or as many as there are request ids.
   */
  readonly maxPerUser: number;
};

/** The facts of a campaign, with those that admit callers and look-ups of codes. */
export type KnownCampaign = CampaignFacts &
  Pick<CampaignDoc, "codeFormat"> & {
    /** How claims are authenticated, where the deployment does not demand more. */
    readonly claimAuth: ClaimAuthMode;
  };

/** Makes a look-up within bounds, or rejects. */
export type Bounded = <T>(look: () => Promise<T>) => Promise<T>;

export type CampaignCache = {
  /** From memory, without waiting; undefined: not in memory, call `find`. */
  peek(campaignId: string): KnownCampaign | undefined;
  /**
   * From memory or MongoDB; null: there is no such campaign. `within`: makes the look-up in MongoDB, if this
   * call starts one, within bounds of its caller; it may refuse to.
   */
  find(campaignId: string, within?: Bounded): Promise<KnownCampaign | null>;
};

/** Campaigns, and unknown ids: between so many and twice as many are kept. */
const HALF_MAX = 5_000;
/** Look-ups under way at once, of campaigns that are not in memory. */
const LOOK_UPS_MAX = 1_000;
/**
 * For how long "no such campaign" is kept: it shields MongoDB from a stream of wrong ids. It hides no new
 * campaign: the service makes the ids, 80 random bits each, so nobody can ask for one before it is there.
 */
const UNKNOWN_FOR_MS = 1_000;

/** Keeps campaigns by id, in bounded memory: those that are asked for. */
export function createCampaignCache(campaigns: Pick<Campaigns, "find">, clock: Clock): CampaignCache {
  const known = createRecentEntries<KnownCampaign>(HALF_MAX);
  const unknown = createRecentEntries<number>(HALF_MAX);
  const lookUps = createSingleFlight<KnownCampaign | null>();

  async function ask(id: string): Promise<KnownCampaign | null> {
    const doc = await campaigns.find(id);
    if (doc === null) {
      unknown.keep(id, clock.elapsed() + UNKNOWN_FOR_MS);
      return null;
    }
    const facts: KnownCampaign = {
      onePerUser: doc.onePerUser,
      claimAuth: doc.claimAuth ?? "open",
      codeFormat: doc.codeFormat,
      leastGeneration: doc.loadedGeneration ?? 0,
      maxPerUser: doc.maxPerUser ?? 1,
    };
    known.keep(id, facts);
    unknown.delete(id);
    return facts;
  }

  return {
    peek: (id) => known.get(id),
    find(id, within = (look) => look()) {
      const facts = known.get(id);
      if (facts !== undefined) return Promise.resolve(facts);
      if ((unknown.get(id) ?? 0) > clock.elapsed()) return Promise.resolve(null);
      const underWay = lookUps.underWay(id);
      if (underWay !== undefined) return underWay;
      if (lookUps.size() >= LOOK_UPS_MAX)
        return Promise.reject(new QueueFull(`${lookUps.size()} campaigns are looked up already`));
      // Others may join the look-up: the bounds of this caller are no matter of theirs.
      return within(() => lookUps.run(id, () => ask(id)));
    },
  };
}
