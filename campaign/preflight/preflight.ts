import { parseCodeFormat } from "../../codes/code-format.ts";
import { countCodes } from "../../codes/code-space.ts";
import { oddsOfImported } from "../../codes/imported-odds.ts";
import { codesLike } from "../../codes/overlap.ts";
import type { Pool } from "../../pool/pool.ts";
import type { RedisClock } from "../../pool/redis-clock.ts";
import type { RedisProbe } from "../../pool/redis-facts.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { MongoFacts } from "../../record/mongo-facts.ts";
import type { Processes } from "../../record/processes.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ask } from "./asked.ts";
import type { Facts, PoolFacts } from "./facts.ts";
import { judge } from "./judge.ts";
import { type Colour, type Line, worstOf } from "./line.ts";

export type Report = {
  readonly campaign: CampaignDoc;
  readonly issued: number;
  readonly colour: Colour;
  readonly lines: readonly Line[];
};

/**
 * Checks everything that the start depends on; null: there is no such campaign. Writes only a probe to each
 * store.
 */
export type Preflight = (campaignId: string) => Promise<Report | null>;

export type PreflightDeps = {
  campaigns: Pick<Campaigns, "find" | "totalsByFormat">;
  issuances: Pick<Issuances, "count">;
  processes: Pick<Processes, "seen">;
  pool: Pick<Pool, "inspect">;
  redisProbe: RedisProbe;
  redisClock: RedisClock;
  mongoFacts: MongoFacts;
  clock: Clock;
};

/** For each question to a store, in ms. */
const ASK_DEADLINE_MS = 3_000;
/** Processes whose last heartbeat is not older than this are listed, in ms, also those that count as gone. */
const HEARD_WITHIN_MS = 60_000;

export function createPreflight(deps: PreflightDeps): Preflight {
  const { campaigns, issuances, processes, pool, redisProbe, redisClock, mongoFacts, clock } = deps;

  async function inspect(campaignId: string): Promise<PoolFacts> {
    const seen = await pool.inspect(campaignId);
    return { ...seen, codes: seen.stagedCodes + seen.openCodes + seen.awayCodes };
  }

  /** Codes of every campaign count whose format makes the same codes. */
  async function oddsOf({ codeFormat, imported, total }: CampaignDoc): Promise<number | undefined> {
    if (imported !== undefined) return oddsOfImported(imported, total);
    const parsed = parseCodeFormat(codeFormat);
    if (!parsed.ok) return undefined;
    const existing = codesLike(parsed.format, await campaigns.totalsByFormat());
    return Math.min(1, existing / Number(countCodes(parsed.format)));
  }

  async function gather(campaign: CampaignDoc): Promise<Facts> {
    const id = campaign._id;
    const asked = <T>(answer: Promise<T>, what: string) => ask(answer, ASK_DEADLINE_MS, what);
    // The clock and the write come first, one by one: other questions at the same time would distort their
    // measurement.
    const ownClock = await asked(redisClock(id), "the clock of Redis");
    const redisWrite = await asked(redisProbe.write(id), "Redis");
    const [issued, pooled, info, appendfsync, slot, mongoWrite, deployment, seen] = await Promise.all([
      asked(issuances.count(id), "MongoDB"),
      asked(inspect(id), "Redis"),
      asked(redisProbe.info(id), "Redis"),
      asked(redisProbe.config(id, "appendfsync"), "Redis"),
      asked(redisProbe.slot(id), "Redis"),
      asked(mongoFacts.write(ASK_DEADLINE_MS), "MongoDB"),
      asked(mongoFacts.deployment(), "MongoDB"),
      asked(processes.seen(HEARD_WITHIN_MS), "MongoDB"),
    ]);
    const guessOdds = await asked(oddsOf(campaign), "MongoDB");
    return {
      nowMs: clock.now(),
      campaign: {
        state: campaign.state,
        total: campaign.total,
        generated: campaign.generated,
        generation: campaign.generation,
        loadedGeneration: campaign.loadedGeneration ?? 0,
        startsAtMs: campaign.startsAt.getTime(),
        endsAtMs: campaign.endsAt?.getTime(),
        claimAuth: campaign.claimAuth ?? "open",
        shape: campaign.shape ?? 1,
        imported: campaign.imported !== undefined,
      },
      guessOdds,
      issued,
      pool: pooled,
      redis: { info, appendfsync, slot, write: redisWrite, sentinels: redisProbe.sentinels() },
      mongodb: { write: mongoWrite, deployment },
      ownClock,
      processes: seen,
    };
  }

  return async (campaignId) => {
    const campaign = await campaigns.find(campaignId);
    if (campaign === null) return null;
    const facts = await gather(campaign);
    const lines = judge(facts);
    return { campaign, issued: facts.issued.ok ? facts.issued.value : 0, colour: worstOf(lines), lines };
  };
}
