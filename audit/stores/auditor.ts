import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "mongodb";
import { campaignKeys } from "../../pool/keys.ts";
import { isDenied } from "../../pool/redis-trouble.ts";
import { type Examination, type ExaminationOptions, examine } from "../examination.ts";
import type { HistoryEntry } from "../history.ts";
import type { CampaignRecord, Issuance, Snapshot } from "../snapshot.ts";
import { DEFAULT_TIMINGS, readAgainAfterMs, type Timings } from "../timings.ts";
import type { Verdict } from "../verdict.ts";
import { connectReader } from "./connect-redis.ts";
import { entryPages, partPages, readLogFacts } from "./read-events.ts";
import { codePages, connectRecord, issuancePages, readCampaign, readChanges } from "./read-mongodb.ts";
import { redemptionPages } from "./read-redemptions.ts";
import { claimPages, ledgerPages, listPages, pooledPages, readMark } from "./read-redis.ts";
import { demandReadingRights } from "./reading-rights.ts";
import type { RedisReader } from "./redis-reader.ts";

export type AuditorOptions = {
  readonly redisUrl: string;
  readonly mongodbUrl: string;
  readonly database?: string | undefined;
  /** The time settings of the service. */
  readonly timings?: Timings;
};

/** Both stores, opened for reading. */
export type Auditor = {
  /**
   * Waits until the ledger is empty and, if states are given, the campaign is in one of them. False: not
   * within the deadline.
   */
  waitForRest(campaignId: string, states: readonly string[], deadlineMs: number): Promise<boolean>;
  /** Reads all contents into memory, for campaigns of some thousand coupons. */
  takeSnapshot(campaignId: string): Promise<Snapshot>;
  /** Reads page by page, in about 100 MB a million coupons. */
  audit(campaignId: string, plan?: AuditPlan): Promise<Report>;
  close(): Promise<void>;
};

export type AuditPlan = Partial<
  Pick<ExaminationOptions, "tolerances" | "scope" | "rest" | "offendersMax" | "erasureKey">
> & {
  /** Read twice. */
  readonly history?: Iterable<HistoryEntry>;
  /**
   * Documents or items a page, and a pause that is awaited after each, in which other work has the stores and
   * the processor.
   */
  readonly pageSize?: number;
  readonly pause?: () => Promise<void>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
};

export type Progress = {
  readonly reading: number;
  readonly what: "codes" | "pool" | "claims" | "ledger" | "events" | "issuances" | "redemptions";
  readonly done: number;
  /** About how many there will be. */
  readonly of: number;
};

export type Report = {
  readonly campaign: CampaignRecord;
  readonly issued: number;
  /** True: the sale went on while it was read. */
  readonly live: boolean;
  /** How often everything was read. */
  readonly readings: number;
  readonly verdicts: readonly Verdict[];
};

const POLL_MS = 100;
const PAGE = 5_000;

/** @throws StoreUnavailable, or StoreDenial where a store refuses */
export async function openAuditor(options: AuditorOptions): Promise<Auditor> {
  const { timings = DEFAULT_TIMINGS } = options;
  const redis = await connectReader(options.redisUrl);
  const { client, db } = await connectRecord(options.mongodbUrl, options.database ?? "coupons").catch(
    async (error: unknown) => {
      await redis.close();
      throw error;
    },
  );
  return {
    takeSnapshot: (campaignId) => takeSnapshot(redis, db, campaignId),
    async waitForRest(campaignId, states, deadlineMs) {
      const endsAt = performance.now() + deadlineMs;
      for (;;) {
        const campaign = await readCampaign(db, campaignId);
        const rightState = states.length === 0 || states.includes(campaign?.state ?? "");
        if (rightState && (await ledgerIsEmpty(redis, campaignId))) return true;
        if (performance.now() >= endsAt) return false;
        await sleep(POLL_MS);
      }
    },
    async audit(campaignId, plan = {}) {
      await demandReadingRights(redis, campaignId);
      let { report, examination } = await readOnce(redis, db, campaignId, { ...plan, timings }, 1);
      for (const waitMs of readAgainAfterMs(timings)) {
        if (!mayHavePassed(report, plan)) break;
        await sleep(waitMs, undefined, plan.signal === undefined ? {} : { signal: plan.signal });
        const suspects = examination.suspects();
        ({ report, examination } = await readOnce(
          redis,
          db,
          campaignId,
          { ...plan, timings },
          report.readings + 1,
          suspects,
        ));
      }
      return report;
    },
    async close() {
      await Promise.allSettled([redis.close(), client.close()]);
    },
  };
}

/** Whether a later reading may no longer find what this one found wrong or could not judge. */
function mayHavePassed({ verdicts, live, campaign }: Report, { rest = "demanded" }: AuditPlan): boolean {
  if (rest === "demanded") return false;
  if (verdicts.some(({ prevented }) => prevented)) return true;
  const isOver = ["SOLD_OUT", "ENDED", "CANCELLED"].includes(campaign.state) && campaign.settling !== true;
  return verdicts.some(({ ok }) => !ok) && (live || !isOver);
}

async function campaignOf(db: Db, campaignId: string): Promise<CampaignRecord> {
  const campaign = await readCampaign(db, campaignId);
  if (campaign === undefined) throw new Error(`there is no campaign ${campaignId}`);
  return campaign;
}

/**
 * One reading. The order matters: a code goes from the pool to the claims and the ledger, and from there
 * into the issuances. Read in this order it may be seen twice, but never nowhere. The event log names
 * issuances and changes, so it is read before them, and the order of all logs before it.
 */
async function readOnce(
  redis: RedisReader,
  db: Db,
  campaignId: string,
  { timings, ...plan }: AuditPlan & { readonly timings: Timings },
  reading: number,
  suspects?: ExaminationOptions["suspects"],
): Promise<{ report: Report; examination: Examination }> {
  const { pageSize = PAGE, pause, signal, history = [], tolerances, offendersMax } = plan;
  const { rest = "demanded", scope = "all" } = plan;
  const before = await readMark(redis, campaignId);
  const campaign = await campaignOf(db, campaignId);
  const examination = examine(campaign, {
    ...{ scope, rest, timings, suspects, erasureKey: plan.erasureKey },
    ...(tolerances === undefined ? {} : { tolerances }),
    ...(offendersMax === undefined ? {} : { offendersMax }),
  });

  async function take<T>(
    what: Progress["what"],
    of: number,
    pages: AsyncIterable<readonly T[]>,
    each: (item: T) => void,
  ): Promise<void> {
    let done = 0;
    for await (const page of pages) {
      for (const item of page) each(item);
      done += page.length;
      plan.onProgress?.({ reading, what, done, of: Math.max(of, done) });
      await pause?.();
      signal?.throwIfAborted();
    }
  }

  const { staged, open, away, claims, ledger } = before.lengths;
  const { made, pooled, bound, underWay, issued } = examination;
  await take("codes", campaign.growingTo ?? campaign.total, codePages(db, campaignId, pageSize), (coupon) =>
    made(coupon._id, coupon.ordinal),
  );
  await take("pool", staged + open + away, pooledPages(redis, campaignId, pageSize), pooled);
  await take("claims", claims, claimPages(redis, campaignId, pageSize), bound);
  await take("ledger", ledger, ledgerPages(redis, campaignId, pageSize), ({ id, atMs }) =>
    underWay(id, Date.now() - atMs),
  );
  await take("events", 0, partPages(db, campaignId, pageSize), examination.part);
  examination.log(await readLogFacts(db, campaignId));
  await take("events", 0, entryPages(db, campaignId, pageSize), examination.logged);
  await take("issuances", claims, issuancePages(db, campaignId, pageSize), issued);
  await take("redemptions", 0, redemptionPages(db, campaignId, pageSize), examination.redemption);
  examination.orderedAfter(await campaignOf(db, campaignId));
  examination.changes(await readChanges(db, campaignId));
  const after = await readMark(redis, campaignId);
  for (const entry of history) examination.told(entry);
  for (const entry of history) examination.toldAgain(entry);
  examination.marks(before, after);
  const conclusion = examination.conclude();
  for (;;) {
    const step = conclusion.next();
    if (step.done === true) {
      const { issuedCount, live } = examination;
      const report = { campaign, issued: issuedCount, live, readings: reading, verdicts: step.value };
      return { report, examination };
    }
    await pause?.();
    signal?.throwIfAborted();
  }
}

async function takeSnapshot(redis: RedisReader, db: Db, campaignId: string): Promise<Snapshot> {
  const campaign = await campaignOf(db, campaignId);
  const all = async <T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> => {
    const items: T[] = [];
    for await (const page of pages) for (const item of page) items.push(item);
    return items;
  };
  const parts = await all(partPages(db, campaignId, PAGE));
  const log = await readLogFacts(db, campaignId);
  const entries = await all(entryPages(db, campaignId, PAGE));
  const codes = (await all(codePages(db, campaignId, PAGE))).map((coupon) => coupon._id);
  const issuances = await all(issuancePages(db, campaignId, PAGE));
  const redemptions = await all(redemptionPages(db, campaignId, PAGE));
  const { staged, open, away } = campaignKeys(campaignId);
  const events = { parts, log, entries, changes: await readChanges(db, campaignId) };
  const claims = new Map<string, Issuance>();
  const listOf = async (key: string): Promise<string[]> => {
    const pages: (readonly string[])[] = [];
    for await (const page of listPages(redis, key, PAGE)) pages.unshift(page);
    return pages.flat();
  };
  for (const claim of await all(claimPages(redis, campaignId, PAGE))) claims.set(claim.claimKey, claim);
  const ledgerIds = (await all(ledgerPages(redis, campaignId, PAGE))).map(({ id }) => id);
  const lists = { staged: await listOf(staged), open: await listOf(open), away: await listOf(away) };
  const { meta, lengths, seq } = await readMark(redis, campaignId);
  return {
    ...{ campaign, codes, issuances, events, redemptions },
    redis: { meta, ...lists, claims: [...claims.values()], seq, ledgerIds, lengths },
  };
}

/** False also where Redis does not answer or is loading. */
async function ledgerIsEmpty(redis: RedisReader, campaignId: string): Promise<boolean> {
  try {
    return (await redis.xLen(campaignKeys(campaignId).ledger)) === 0;
  } catch (error) {
    if (isDenied(error)) throw error;
    return false;
  }
}
