import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Second } from "../callers/scoreboard.ts";
import { lateness } from "../operator/lateness.ts";
import { type Campaign, CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped } from "../runtime/counting.ts";
import { barText } from "./bar.ts";
import { call } from "./call.ts";
import { crowdCredentials } from "./claim-credentials.ts";
import { describeFailure } from "./failure.ts";
import { checkHistory } from "./history-check.ts";
import { type RehearsalPlan, secondsBefore } from "./rehearsal-plan.ts";
import { pressForCoupons } from "./rehearsal-press.ts";
import { readyToPress } from "./rehearsal-ready.ts";
import { expectedIssued, type RehearsalFacts } from "./rehearsal-report.ts";
import { stateName } from "./render.ts";
import { serverClock } from "./server-clock.ts";
import type { Session } from "./session.ts";
import { verifyStores } from "./verification.ts";

const restPollMs = 200;
const restDeadlineMs = 20_000;
const offendersMax = 20;
const statsBucketMs = 1_000;

/** Launches a shadow that was created before: from the making of its codes to the last check. */
export async function launchRehearsal(
  session: Session,
  rehearsal: Campaign,
  plan: RehearsalPlan,
  recordsFile: () => Promise<string>,
): Promise<RehearsalFacts> {
  const { campaigns, output, signal, settings } = session;
  const { id: campaignId, onePerUser, maxPerUser } = rehearsal;
  const { offsetMs, uncertaintyMs } = await serverClock(session);
  const { preflight, startsAtMs } = await readyToPress(session, rehearsal, plan.leadMs, offsetMs);
  const expiresAtMs = Date.now() + plan.leadMs + plan.pressingMs + 3_600_000;
  const authorizationOf = crowdCredentials(settings.claim, rehearsal.claimAuth, { campaignId, expiresAtMs });
  output.note(
    `${counted(plan.users, "user begins", "users begin")} to press ${secondsBefore} s before the start`,
  );
  const press = await pressForCoupons({
    authorizationOf,
    ...{ url: settings.publicUrl, campaignId, plan, startsAtMs, offsetMs, recordsFile, signal },
    ...{ onePerUser, maxPerUser },
    onSecond: (second) => output.note(secondText(second, plan.total)),
  });
  const issued = await waitForRest(session, campaignId, plan);
  await endIfOpen(session, campaignId);
  output.note("pressed; checking both stores and the callers' records");
  const audit = await auditStores(session, campaignId);
  const history = await checkHistory(session, {
    ...{ campaignId, files: [await recordsFile()], clockMs: Math.ceil(uncertaintyMs), offendersMax },
  });
  const stats = await call(session, (options) =>
    campaigns.getCampaignStats({ campaignId, bucketMs: statsBucketMs, buckets: 1 }, options),
  );
  const { openingLateMs, firstCouponLateMs, soldOutAfterMs } = lateness(stats);
  return {
    ...{ campaignId: rehearsal.rehearsalOf, rehearsalId: campaignId, plan, press, issued },
    preflight: { colour: preflight.colour, lines: preflight.lines },
    ...{ openingLateMs, firstCouponLateMs, soldOutAfterMs },
    ...{ ...audit, historyChecks: history.checks },
  };
}

/**
 * A failure of the audit, such as a missing permission or a store that does not answer, is reported and does
 * not discard the other results.
 */
async function auditStores(
  session: Session,
  campaignId: string,
): Promise<Pick<RehearsalFacts, "checks" | "notAudited">> {
  const { signal, settings } = session;
  try {
    const { checks } = await verifyStores(session, campaignId, offendersMax);
    return { checks };
  } catch (error) {
    if (signal.aborted) throw error;
    const { url, zone } = settings;
    const { message } = describeFailure(error, { url, zone, interrupted: false, campaignId });
    return { checks: [], notAudited: message };
  }
}

/** Waits until all coupons that can be issued are recorded, or a deadline; returns how many are. */
async function waitForRest(session: Session, campaignId: string, plan: RehearsalPlan): Promise<number> {
  const expected = expectedIssued(plan);
  const untilMs = performance.now() + restDeadlineMs;
  for (;;) {
    const request = { campaignId, view: CampaignView.BASIC };
    const { campaign } = await call(session, (options) => session.campaigns.getCampaign(request, options));
    if (campaign === undefined) throw new Error("the service answered without a campaign");
    const { issued, state } = campaign;
    const isOver = expected < plan.total || state === CampaignState.SOLD_OUT || state === CampaignState.ENDED;
    if ((issued === expected && isOver) || performance.now() >= untilMs) {
      if (!isOver) session.output.note(`it is still ${stateName(state)}`);
      return issued;
    }
    await delay(restPollMs, undefined, { signal: session.signal });
  }
}

/**
 * During a sale not every invariant can be judged, and with fewer users than coupons the sale would not end
 * by itself.
 */
async function endIfOpen(session: Session, campaignId: string): Promise<void> {
  const request = { campaignId, view: CampaignView.BASIC };
  const { campaign } = await call(session, (options) => session.campaigns.getCampaign(request, options));
  if (campaign?.state !== CampaignState.OPEN) return;
  const ending = { campaignId, requestId: randomUUID(), actor: session.settings.actor };
  await call(session, (options) => session.campaigns.endCampaign(ending, options));
}

function secondText(
  { second, issued, issuedSoFar, again, notStarted, soldOut, latencyMs, ...rest }: Second,
  total: number,
) {
  const at = `${second < 0 ? "" : "+"}${second} s`.padStart(6);
  const counts = [
    `new ${grouped(issued)}`,
    `again ${grouped(again)}`,
    ...(notStarted > 0 ? [`too early ${grouped(notStarted)}`] : []),
    ...(soldOut > 0 ? [`sold out ${grouped(soldOut)}`] : []),
    ...(rest.otherRefusals > 0 ? [`refused ${grouped(rest.otherRefusals)}`] : []),
    ...(rest.unclear > 0 ? [`unclear ${grouped(rest.unclear)}`] : []),
    ...(latencyMs.count > 0 ? [`p99 ${latencyMs.at(99).toFixed(1)} ms`] : []),
  ];
  return `${at} ${barText(issuedSoFar, total)} ${grouped(issuedSoFar)}/${grouped(total)}  ${counts.join("  ")}`;
}
