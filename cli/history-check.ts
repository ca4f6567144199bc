import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { type Change, type ChangedSettings, pastOf } from "../audit/changes.ts";
import { type ExaminationOptions, examine, type Suspects } from "../audit/examination.ts";
import { HistoryBroken, streamHistory } from "../audit/history.ts";
import type { CampaignRecord } from "../audit/snapshot.ts";
import type { Verdict } from "../audit/verdict.ts";
import { KEY_SEPARATOR } from "../callers/http-client.ts";
import type { Campaign } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { type CampaignSettings, CampaignView } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CheckVerdict, type VerifyCheck, VerifyCheckSchema } from "../proto/gen/coupon/v1/verify_pb.ts";
import { call } from "./call.ts";
import { pagesOf } from "./pages.ts";
import { epochMsOf, isOver, stateName } from "./render.ts";
import type { Session } from "./session.ts";
import { resumedStream } from "./stream.ts";
import { UserError } from "./user-error.ts";

export interface HistoryPlan {
  readonly campaignId: string;
  readonly files: readonly string[];
  /** How far the callers' wall clocks may be from the stores'. */
  readonly clockMs: number;
  readonly offendersMax: number;
}

export interface HistoryReport {
  /** Why the records were not read, in words. */
  readonly unread?: string;
  readonly entries: number;
  readonly exported: number;
  /** Different codes in the files, and how many of them are issued in this campaign. */
  readonly codes: { readonly all: number; readonly issued: number };
  readonly checks: readonly VerifyCheck[];
}

const couponsPerBatch = 5_000;
const changesPerPage = 1_000;
/**
 * How long after the start a request may still be refused as "not started": a server remembers that answer
 * for up to a tenth of a second.
 */
const lateRefusalMs = 250;
/**
 * A live sale that looks wrong is read again after this time: an issuance that became durable late may belong
 * before the place that the export had reached.
 */
const readAgainAfterMs = 2_500;

/**
 * Checks the callers' own records against the service's export: the audit from outside, in this process. The
 * service only supplies its issuances; it does not judge itself.
 */
export async function checkHistory(session: Session, plan: HistoryPlan): Promise<HistoryReport> {
  const first = await readOnce(session, plan, undefined);
  if (first.over || first.verdicts.every(({ ok }) => ok)) return first.report;
  await delay(readAgainAfterMs, undefined, { signal: session.signal });
  return (await readOnce(session, plan, first.suspects)).report;
}

async function readOnce(session: Session, plan: HistoryPlan, suspects: Suspects | undefined) {
  const { campaignId, clockMs, offendersMax, files } = plan;
  const campaign = await campaignOf(session, campaignId);
  const record = { ...recordOf(campaign), ...pastOf(await changesOf(session, campaignId)) };
  const tolerances = { clockMs, lateRefusalMs: lateRefusalMs + clockMs };
  const options: ExaminationOptions = {
    ...{ scope: "outside", rest: "observed", tolerances, offendersMax, suspects },
  };
  const examination = examine(record, options);
  let entries = 0;
  for await (const entry of readingOf(files, clockMs)) {
    examination.told(entry);
    entries++;
  }
  for await (const issuance of issuancesOf(session, campaign)) examination.issued(issuance);
  examination.orderedAfter(recordOf(await campaignOf(session, campaignId)));
  for await (const entry of readingOf(files, clockMs)) examination.toldAgain(entry);
  const verdicts = concluded(examination.conclude());
  const report = {
    ...{ entries, exported: examination.issuedCount, codes: examination.toldCodes },
    checks: verdicts.map(toldCheck),
  };
  return { report, verdicts, suspects: examination.suspects(), over: isOver(campaign.state) };
}

function concluded(conclusion: Generator<void, readonly Verdict[]>): readonly Verdict[] {
  for (;;) {
    const step = conclusion.next();
    if (step.done === true) return step.value;
  }
}

export async function* readingOf(files: readonly string[], clockMs: number) {
  try {
    yield* streamHistory(files, { clockMs });
  } catch (error) {
    if (error instanceof HistoryBroken)
      throw new UserError(`--history: ${error.message}`, {
        hint: "docs/verify.md has the form",
        cause: error,
      });
    if (error instanceof Error && "code" in error)
      throw new UserError(`--history: cannot read it: ${error.message}`, { cause: error });
    throw error;
  }
}

async function* issuancesOf(session: Session, { id: campaignId, maxPerUser }: Campaign) {
  let pageToken = "";
  const batches = resumedStream(session, {
    open: (options) =>
      session.campaigns.exportCoupons({ campaignId, pageToken, batchSize: couponsPerBatch }, options),
    properEnd: "finished",
    isProgress: ({ coupons }) => coupons.length > 0,
    maxSilenceMs: session.settings.timeoutMs,
    note: session.output.note,
  });
  for await (const batch of batches) {
    for (const { coupon, userId, requestId, generation } of batch.coupons) {
      const issuedAtMs = epochMsOf(coupon?.issuedAt);
      if (coupon === undefined || issuedAtMs === undefined)
        throw new Error("the service sent a row without a whole coupon");
      // The claim key is the user id, the request id, or both where each user may have several.
      const own = requestId === "" ? userId : requestId;
      const claimKey = maxPerUser > 1 ? `${userId}${KEY_SEPARATOR}${requestId}` : own;
      yield { code: coupon.code, claimKey, generation, seq: coupon.seq, issuedAtMs };
    }
    if (batch.nextPageToken !== "") pageToken = batch.nextPageToken;
  }
}

async function campaignOf(session: Session, campaignId: string): Promise<Campaign> {
  const request = { campaignId, view: CampaignView.BASIC };
  const { campaign } = await call(session, (options) => session.campaigns.getCampaign(request, options));
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  return campaign;
}

/** All of the campaign's history: the number of its coupons over time, and the moves of its start. */
async function changesOf(session: Session, campaignId: string): Promise<Change[]> {
  const changes: Change[] = [];
  const pages = pagesOf(session, (pageToken, options) => {
    const request = { campaignId, pageSize: changesPerPage, pageToken };
    return session.campaigns.listHistory(request, options);
  });
  for await (const { entries } of pages) {
    for (const { revision, at, before, after } of entries) {
      if (after === undefined) throw new Error("the service sent a change without what it led to");
      changes.push({
        ...{ revision, atMs: epochMsOf(at) ?? 0 },
        ...{ before: before && settingsOf(before), after: settingsOf(after) },
      });
    }
  }
  return changes;
}

function settingsOf({ total, startsAt }: CampaignSettings): ChangedSettings {
  return { total, startsAtMs: epochMsOf(startsAt) ?? 0 };
}

function recordOf(campaign: Campaign): CampaignRecord {
  const { id, total, onePerUser, maxPerUser, generation } = campaign;
  return {
    ...(maxPerUser > 1 ? { maxPerUser } : {}),
    ...{ id, total, onePerUser, generation, state: stateName(campaign.state) },
    startsAtMs: epochMsOf(campaign.startsAt) ?? 0,
    endsAtMs: epochMsOf(campaign.endsAt),
    openedAtMs: epochMsOf(campaign.openedAt),
  };
}

function toldCheck({ invariant, title, ok, notJudged, checked, detail, count, offenders }: Verdict) {
  const judged = notJudged === undefined ? CheckVerdict.HOLDS : CheckVerdict.NOT_JUDGED;
  return create(VerifyCheckSchema, {
    ...{ invariant, title, detail, compared: checked, violations: count },
    verdict: ok ? judged : CheckVerdict.VIOLATED,
    notJudgedBecause: notJudged ?? "",
    offenders: [...offenders],
  });
}
