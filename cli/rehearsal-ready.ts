import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { PreflightCampaignResponse } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted } from "../runtime/counting.ts";
import { call } from "./call.ts";
import { exitCodes } from "./exit-code.ts";
import { followCampaign } from "./follow.ts";
import { secondsBefore } from "./rehearsal-plan.ts";
import { epochMsOf, instantText } from "./render.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

const followIntervalMs = 200;
/**
 * The start is moved further away each time, so that a few moves are enough; the lifetime of a shadow is ten
 * minutes longer than its launch.
 */
const movesMost = 6;

export interface Ready {
  readonly preflight: PreflightCampaignResponse;
  /** On the server's clock; the first presses are due `secondsBefore` earlier, which is in the future. */
  readonly startsAtMs: number;
}

/**
 * Waits until the codes are made and a preflight has run. Where the first presses would be due before that,
 * it moves the start, so that every rehearsal has presses before its start.
 */
export async function readyToPress(
  session: Session,
  rehearsal: Campaign,
  leadMs: number,
  offsetMs: number,
): Promise<Ready> {
  const { id: campaignId } = rehearsal;
  const stopping = new AbortController();
  const signal = AbortSignal.any([session.signal, stopping.signal]);
  const working = prepare({ ...session, signal }, campaignId);
  let startsAtMs = epochMsOf(rehearsal.startsAt) ?? 0;
  let aheadMs = leadMs;
  try {
    for (let moves = 0; ; moves++) {
      const pressingInMs = startsAtMs - secondsBefore * 1_000 - (Date.now() + offsetMs);
      const preflight = await withinMs(working, pressingInMs);
      if (preflight !== undefined) return { preflight, startsAtMs };
      if (moves === movesMost) throw notReady(campaignId);
      startsAtMs = Math.ceil(Date.now() + offsetMs + secondsBefore * 1_000 + aheadMs);
      await moveStart(session, campaignId, startsAtMs);
      aheadMs *= 2;
    }
  } finally {
    stopping.abort();
    await working.catch(() => undefined);
  }
}

async function prepare(session: Session, campaignId: string): Promise<PreflightCampaignResponse> {
  await followCampaign(session, {
    ...{ campaignId, intervalMs: followIntervalMs, draw: session.output.interactive },
    onMessage: ({ campaign }) => campaign !== undefined && campaign.state !== CampaignState.GENERATING,
  });
  return call(session, (options) => session.campaigns.preflightCampaign({ campaignId }, options));
}

/** undefined: not settled within that time. A promise that is settled already wins even with limit 0. */
async function withinMs<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  const over = new AbortController();
  const late = delay(Math.max(0, limitMs), undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}

async function moveStart(session: Session, campaignId: string, startsAtMs: number): Promise<void> {
  const { campaigns, output, settings } = session;
  const request = {
    ...{ campaignId, startsAt: timestampFromMs(startsAtMs), requestId: randomUUID(), actor: settings.actor },
  };
  await call(session, (options) => campaigns.rescheduleCampaign(request, options));
  output.note(
    `it is not ready to be pressed: its start is moved to ${instantText(startsAtMs, settings.zone)}`,
  );
}

function notReady(campaignId: string): UserError {
  return new UserError(
    `${campaignId} was not ready, although its start was moved ${counted(movesMost, "time")}`,
    {
      exitCode: exitCodes.unavailable,
      hint: "give more time with --in, and see with coupon preflight that a generator runs",
    },
  );
}
