import type { StoreBreakers } from "../../claims/store-breakers.ts";
import type { Inspection } from "../../pool/answers.ts";
import type { Pool } from "../../pool/pool.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Clock } from "../../runtime/clock.ts";

/** A campaign and its pool at about the same moment; the pool is undefined while Redis does not answer. */
export type Look = { readonly campaign: CampaignDoc; readonly pool: Inspection | undefined };

/**
 * A campaign and its pool now, for any number of onlookers: both stores are asked at most once per `FRESH_MS`
 * and campaign, one call at a time. What was read before the start or the end of a campaign is not returned
 * after it.
 */
export type LiveView = {
  /** Without waiting; undefined: call `look`. */
  peek(campaignId: string): Look | undefined;
  /**
   * null: there is no such campaign. Rejects when MongoDB does not answer. A campaign in memory below
   * `leastRevision` is not returned: the stores are asked again, once, and that answer is returned whatever
   * its revision. Infinity: never from memory.
   */
  look(campaignId: string, leastRevision?: number): Promise<Look | null>;
};

const FRESH_MS = 100;
const CAMPAIGNS_MAX = 10_000;

type Entry = {
  /** Counts up: an entry of a higher number was asked for later. */
  readonly number: number;
  /** On the clock's `elapsed` and on its `now`, before the stores were asked. */
  readonly askedAtMs: number;
  readonly askedAt: number;
  readonly answer: Promise<Look | null>;
  /** undefined while the answer is under way. */
  seen: Look | null | undefined;
};

export function createLiveView(
  campaigns: Pick<Campaigns, "find">,
  pool: Pick<Pool, "inspect">,
  breakers: Pick<StoreBreakers, "reads" | "pool">,
  clock: Clock,
): LiveView {
  const entries = new Map<string, Entry>();
  let asked = 0;

  async function ask(campaignId: string): Promise<Look | null> {
    const [campaign, inspection] = await Promise.all([
      breakers.reads.ask(() => campaigns.find(campaignId)),
      breakers
        .pool(campaignId)
        .ask(() => pool.inspect(campaignId))
        .catch(() => undefined),
    ]);
    return campaign === null ? null : { campaign, pool: inspection };
  }

  /** Whether the start or the end has come since the stores were asked. */
  function isOvertaken({ askedAt, seen }: Entry): boolean {
    if (seen === undefined || seen === null) return false;
    const now = clock.now();
    const { startsAt, endsAt } = seen.campaign;
    return [startsAt, endsAt].some((at) => at !== undefined && askedAt < at.getTime() && at.getTime() <= now);
  }

  const isFresh = (entry: Entry) =>
    entry.seen === undefined || (clock.elapsed() - entry.askedAtMs < FRESH_MS && !isOvertaken(entry));

  function askAnew(campaignId: string): Entry {
    if (entries.size >= CAMPAIGNS_MAX) entries.clear();
    const answer = ask(campaignId);
    asked += 1;
    const entry: Entry = {
      ...{ number: asked, askedAtMs: clock.elapsed(), askedAt: clock.now(), answer, seen: undefined },
    };
    entries.set(campaignId, entry);
    answer.then(
      (seen) => {
        entry.seen = seen;
      },
      () => {
        // A failure is not kept: the next onlooker asks again.
        if (entries.get(campaignId) === entry) entries.delete(campaignId);
      },
    );
    return entry;
  }

  return {
    peek(campaignId) {
      const entry = entries.get(campaignId);
      if (entry === undefined || entry.seen === undefined || entry.seen === null) return undefined;
      return isFresh(entry) ? entry.seen : undefined;
    },

    async look(campaignId, leastRevision = 0) {
      const askedBefore = asked;
      const isOutdated = ({ number, seen }: Entry) =>
        number <= askedBefore &&
        seen?.campaign !== undefined &&
        (seen.campaign.revision ?? 0) < leastRevision;
      for (;;) {
        const last = entries.get(campaignId);
        const entry = last !== undefined && isFresh(last) && !isOutdated(last) ? last : askAnew(campaignId);
        const seen = await entry.answer;
        // The loop ends: each round asks later than the one before, and only start and end can overtake it.
        if (!isOvertaken(entry) && !isOutdated({ ...entry, seen })) return seen;
      }
    },
  };
}
