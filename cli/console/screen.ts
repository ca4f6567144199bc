import type { Campaign } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { WatchCampaignResponse } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { headerLine, issuedLine, whenLine } from "./campaign-lines.ts";
import { eventLines } from "./event-lines.ts";
import type { Model } from "./model.ts";
import { processLines } from "./process-table.ts";
import { isBeforeOpening, readinessLines } from "./readiness.ts";
import { type Look, painted, span, spread } from "./spans.ts";
import { trafficLines } from "./traffic-lines.ts";

export interface Size extends Look {
  readonly height: number;
}

/** From this height on there are blank lines between the parts. */
const airyHeight = 20;
/** From this height on the rate is drawn over several rows. */
const tallHeight = 30;
const chartRows = 7;
const readinessMax = { low: 2, airy: 5, tall: 12 } as const;
/** At most this share of the lines that are left shows processes; the other lines show events. */
const shareOfProcesses = 0.6;
const processLinesMin = 3;
/** So many events keep their lines when the preflight needs many lines. */
const eventsKept = 5;
/** So long after the interval without a message, the footer reports the silence. */
const silenceMs = 2_000;

/**
 * The whole screen: exactly `height` lines, none wider than `width`. The same model, moment and size always
 * give the same lines.
 */
export function screenLines(model: Model, nowMs: number, size: Size): string[] {
  const { message } = model;
  const { campaign } = message ?? {};
  const body =
    message === undefined || campaign === undefined
      ? [painted([span(`waiting for ${model.url} to send ${model.campaignId}`)], size)]
      : bodyLines(model, message, campaign, nowMs, size);
  const room = Math.max(0, size.height - 1);
  const lines = body.slice(0, room);
  while (lines.length < room) lines.push("");
  return size.height > 0 ? [...lines, footer(model, nowMs, size)] : [];
}

function bodyLines(
  model: Model,
  message: WatchCampaignResponse,
  campaign: Campaign,
  nowMs: number,
  size: Size,
): string[] {
  const height = size.height - 1;
  const gap = size.height >= airyHeight ? [""] : [];
  const before = isBeforeOpening(campaign);
  const isTall = size.height >= tallHeight;
  const lines = [
    headerLine(model, campaign, nowMs, size),
    whenLine(model, campaign, nowMs, size),
    ...gap,
    issuedLine(message, campaign, size),
    ...trafficLines(model, message, isTall && !before ? chartRows : 0, size),
  ];
  if (before) {
    const most = isTall ? readinessMax.tall : gap.length > 0 ? readinessMax.airy : readinessMax.low;
    const room = Math.min(most, height - lines.length);
    // The lines that processes and events leave free, so that the advice of a check is not cut.
    const below =
      2 * gap.length + message.processes.length + 1 + Math.min(model.events.length, eventsKept) + 1;
    const free = Math.max(0, height - lines.length - below);
    lines.push(...readinessLines(model, nowMs, room, free, size));
  }
  lines.push(...gap);
  const left = Math.max(0, height - lines.length);
  const most = Math.max(processLinesMin, Math.floor(left * shareOfProcesses));
  // Without the traffic the processes are unknown too: both are read from MongoDB.
  if (message.traffic !== undefined)
    lines.push(...processLines(message.processes, Math.min(left, message.processes.length + 1, most), size));
  lines.push(...gap);
  return [...lines, ...eventLines(model, height - lines.length, size)];
}

function footer(model: Model, nowMs: number, size: Size): string {
  const { url, broken, message } = model;
  const before = message?.campaign !== undefined && isBeforeOpening(message.campaign);
  const keys = [span(before ? "p preflight  q leaves" : "q leaves", "dim")];
  if (broken !== undefined) {
    const again = broken.again === "" ? "" : `, ${broken.again}`;
    return spread([span(`! not connected: ${broken.why}${again}`, "red")], keys, size);
  }
  const silentMs = nowMs - model.arrivedMs;
  if (message !== undefined && silentMs > model.intervalMs + silenceMs) {
    const text = `! no message for ${Math.round(silentMs / 1_000)} s from ${url}`;
    return spread([span(text, "yellow")], keys, size);
  }
  return spread([span(`${message === undefined ? "connecting" : "connected"} to ${url}`, "dim")], keys, size);
}
