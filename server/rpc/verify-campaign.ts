import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { Auditor, Progress, Report } from "../../audit/stores/auditor.ts";
import type { Verdict } from "../../audit/verdict.ts";
import { validCampaignId } from "../../campaign/valid.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  CheckVerdict,
  VerifyCampaignResponseSchema,
  VerifyCheckSchema,
} from "../../proto/gen/coupon/v1/verify_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type CallTrace, traceIn } from "../http/call-traces.ts";
import { goneError } from "./caller-gone.ts";
import { createPace } from "./pace.ts";
import { createRefuse } from "./refuse.ts";
import { toConnectError } from "./rpc-status.ts";
import { validCount } from "./validation.ts";

export type OpenAuditor = () => Promise<Auditor>;

export type VerifyDeps = {
  campaigns: Pick<Campaigns, "find">;
  openAuditor: OpenAuditor;
  /** ERASURE_KEY; undefined: there is none. */
  erasureKey?: string | undefined;
  clock: Clock;
  logger: Logger;
  draining: AbortSignal;
};

const OFFENDERS = { most: 1_000, whenZero: 20 } as const;
const PROGRESS_EVERY_MS = 500;
/** About a millisecond of this process' loop a page, and less of Redis. */
const PAGE = 250;
const SHARE_OF_TIME = 0.2;

/**
 * The operators' VerifyCampaign: the independent audit of `audit/`, with connections of its own, beside the
 * claims. It judges what the stores show; checks that need the callers' records are made by the callers.
 */
export function createVerifyCampaign(
  deps: VerifyDeps,
): Pick<ServiceImpl<typeof CampaignService>, "verifyCampaign"> {
  const { campaigns, erasureKey, clock, draining } = deps;
  const logger = deps.logger.child({ component: "server" });
  /** An audit keeps about 100 MB a million coupons: one at a time. */
  let underWay = false;

  const { orRefuse } = createRefuse(clock);

  /** The result, or undefined when it is time to send the progress. */
  async function soonOrNot<T>(result: Promise<T>): Promise<T | undefined> {
    let cancel: Cancel = () => undefined;
    const later = new Promise<undefined>((resolve) => {
      cancel = clock.after(PROGRESS_EVERY_MS, () => resolve(undefined));
    });
    return Promise.race([result, later]).finally(() => cancel());
  }

  function log(report: Report, beganAtMs: number, { callId }: CallTrace): void {
    const { campaign, issued, live, readings, verdicts } = report;
    const violations = verdicts
      .filter(({ ok }) => !ok)
      .map(({ invariant, count }) => `${invariant}: ${count}`);
    const facts = { campaign: campaign.id, issued, live, readings, tookMs: clock.now() - beganAtMs, callId };
    const prevented = verdicts.flatMap((one) =>
      one.prevented ? [`${one.invariant}: ${one.notJudged}`] : [],
    );
    if (violations.length > 0) logger.error({ ...facts, violations }, "verified: a guarantee is violated");
    else if (prevented.length > 0)
      logger.warn({ ...facts, prevented }, "verified in part: a guarantee could not be judged");
    else logger.info(facts, "verified: nothing is wrong");
  }

  return {
    async *verifyCampaign(request, context) {
      const { most, whenZero } = OFFENDERS;
      const offendersMax = orRefuse(validCount("offenders_max", request.offendersMax, 1, most, whenZero));
      const campaignId = orRefuse(validCampaignId(request.campaignId));
      if ((await campaigns.find(campaignId)) === null)
        throw toConnectError({ reason: "UNKNOWN_CAMPAIGN" }, clock.now());
      if (underWay) throw toConnectError({ reason: "OVERLOADED" }, clock.now());
      underWay = true;
      const beganAtMs = clock.now();
      const leaving = new AbortController();
      const signal = AbortSignal.any([context.signal, draining, leaving.signal]);
      let auditor: Auditor | undefined;
      let audit: Promise<Report> | undefined;
      try {
        auditor = await deps.openAuditor();
        let progress: Progress = { reading: 1, what: "codes", done: 0, of: 0 };
        audit = auditor.audit(campaignId, {
          ...{ scope: "stores", rest: "observed", offendersMax, pageSize: PAGE, signal, erasureKey },
          pause: createPace(clock, SHARE_OF_TIME),
          onProgress: (now) => {
            progress = now;
          },
        });
        for (let report: Report | undefined; report === undefined; ) {
          yield create(VerifyCampaignResponseSchema, { message: { case: "progress", value: progress } });
          report = await soonOrNot(audit);
          if (report === undefined) continue;
          log(report, beganAtMs, traceIn(context.values));
          yield toldReport(report, beganAtMs, clock.now());
        }
      } catch (error) {
        if (draining.aborted)
          throw new ConnectError("this server is stopping; ask another one", Code.Unavailable);
        if (context.signal.aborted) throw goneError(context.signal);
        throw error;
      } finally {
        leaving.abort();
        await audit?.catch(() => undefined);
        await auditor?.close();
        underWay = false;
      }
    },
  };
}

function toldReport(
  { verdicts, live, readings, issued, campaign }: Report,
  beganAtMs: number,
  endedAtMs: number,
) {
  return create(VerifyCampaignResponseSchema, {
    message: {
      case: "report",
      value: {
        ...{ live, readings, issued, total: campaign.total },
        checks: verdicts.map(toldCheck),
        beganAt: timestampFromMs(beganAtMs),
        endedAt: timestampFromMs(endedAtMs),
      },
    },
  });
}

function toldCheck(verdict: Verdict) {
  const { invariant, title, ok, notJudged, prevented, checked, detail, count, offenders } = verdict;
  return create(VerifyCheckSchema, {
    ...{ invariant, title, detail },
    verdict: !ok
      ? CheckVerdict.VIOLATED
      : notJudged === undefined
        ? CheckVerdict.HOLDS
        : CheckVerdict.NOT_JUDGED,
    compared: checked,
    notJudgedBecause: notJudged ?? "",
    prevented: prevented === true,
    violations: count,
    offenders: [...offenders],
  });
}
