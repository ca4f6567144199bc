import { setTimeout as sleep } from "node:timers/promises";
import { campaignKeys } from "../../pool/keys.ts";
import type { Tolerances } from "../check-times.ts";
import { runChecks } from "../checks.ts";
import type { HistoryEntry } from "../history.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Verdict } from "../verdict.ts";
import { connectRecord, readCampaign, readCodes, readIssuances } from "./read-mongodb.ts";
import { connectReader, type RedisReader, readRedisSide } from "./read-redis.ts";

export type AuditOptions = {
  readonly redisUrl: string;
  readonly mongodbUrl: string;
  readonly database?: string | undefined;
};

/** Both stores, opened for reading. */
export type Auditor = {
  /** Until the ledger is empty and, if states are given, the campaign is in one of them. False: not within the deadline. */
  waitForRest(campaignId: string, states: readonly string[], deadlineMs: number): Promise<boolean>;
  takeSnapshot(campaignId: string): Promise<Snapshot>;
  audit(campaignId: string, history: readonly HistoryEntry[], tolerances?: Tolerances): Promise<Report>;
  close(): Promise<void>;
};

export type Report = { readonly snapshot: Snapshot; readonly verdicts: readonly Verdict[] };

const POLL_MS = 100;

export async function openAuditor(options: AuditOptions): Promise<Auditor> {
  const redis = await connectReader(options.redisUrl);
  const { client, db } = await connectRecord(options.mongodbUrl, options.database ?? "coupons").catch(
    async (error: unknown) => {
      await redis.close();
      throw error;
    },
  );

  async function takeSnapshot(campaignId: string): Promise<Snapshot> {
    const campaign = await readCampaign(db, campaignId);
    if (campaign === undefined) throw new Error(`there is no campaign ${campaignId}`);
    return {
      campaign,
      codes: await readCodes(db, campaignId),
      issuances: await readIssuances(db, campaignId),
      redis: await readRedisSide(redis, campaignId),
    };
  }

  return {
    takeSnapshot,
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
    async audit(campaignId, history, tolerances) {
      const snapshot = await takeSnapshot(campaignId);
      return { snapshot, verdicts: runChecks(snapshot, history, tolerances) };
    },
    async close() {
      await Promise.allSettled([redis.close(), client.close()]);
    },
  };
}

/** A Redis that is away or loading is not at rest. */
async function ledgerIsEmpty(redis: RedisReader, campaignId: string): Promise<boolean> {
  try {
    return (await redis.xLen(campaignKeys(campaignId).ledger)) === 0;
  } catch {
    return false;
  }
}
