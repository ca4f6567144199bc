import type { Writable } from "node:stream";
import cliProgress from "cli-progress";
import { CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { WatchCampaignResponse } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventLevel } from "../proto/gen/coupon/v1/watch_pb.ts";
import { countdown, epochMsOf, grouped, printable, stateName } from "./render.ts";

/** A line at the bottom of the terminal that draws itself again until it is closed. */
export interface Bar {
  close(): void;
}

const framesPerSecond = 10;

/** `line` is asked for at every frame, so that a countdown in it moves by itself. */
export function openBar(stream: Writable, line: () => string): Bar {
  const bar = new cliProgress.SingleBar({
    stream,
    format: line,
    fps: framesPerSecond,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  bar.start(1, 0);
  return { close: () => bar.stop() };
}

const barCells = 24;

/** "████░░░░": full only when it is full, empty only when it is empty. */
export function barText(value: number, total: number): string {
  const share = total > 0 ? Math.min(1, Math.max(0, value / total)) : 0;
  let cells = Math.floor(share * barCells);
  if (cells === 0 && share > 0) cells = 1;
  return "█".repeat(cells) + "░".repeat(barCells - cells);
}

/** What is happening, in one line; `elapsedMs` is the time since the message arrived, to go on with the server's clock. */
export function watchLine(message: WatchCampaignResponse, elapsedMs: number): string {
  const { campaign } = message;
  if (campaign === undefined) return "";
  const serverMs = (epochMsOf(message.serverTime) ?? 0) + elapsedMs;
  const leftToStartMs = (epochMsOf(campaign.startsAt) ?? serverMs) - serverMs;
  const endsMs = epochMsOf(campaign.endsAt);
  const ends = endsMs === undefined || endsMs <= serverMs ? "" : `  ends in ${countdown(endsMs - serverMs)}`;
  const starts = leftToStartMs > 0 ? `opens in ${countdown(leftToStartMs)}` : "opening";
  const state = stateName(campaign.state);
  const issued = `${counted(campaign.issued, campaign.total)} issued`;
  const pending = message.ledgerDepth > 0 ? `  ${grouped(message.ledgerDepth)} being recorded` : "";

  if (campaign.state === CampaignState.GENERATING) {
    return `${state}  ${counted(campaign.generated, campaign.total)} codes made  ${starts}`;
  }
  if (campaign.state === CampaignState.SCHEDULED) return `${state}  ${issued}  ${starts}`;
  const rate = `${grouped(Math.round(message.issuedPerSecond))}/s`;
  const heard = trafficText(message);
  return `${state}  ${issued}  ${grouped(message.remaining)} left  ${rate}${heard}${pending}${ends}`;
}

/** How fast callers are answered, and how many of them hear no. */
function trafficText({ traffic }: WatchCampaignResponse): string {
  if (traffic?.p50Ms === undefined || traffic.p99Ms === undefined) return "";
  const good: readonly string[] = ["issued", "replayed"];
  const refused = traffic.outcomes.reduce(
    (sum, { outcome, perSecond }) => sum + (good.includes(outcome) ? 0 : perSecond),
    0,
  );
  const latency = `  p50 ${traffic.p50Ms.toFixed(1)} ms  p99 ${traffic.p99Ms.toFixed(1)} ms`;
  return refused < 0.5 ? latency : `${latency}  ${grouped(Math.round(refused))}/s refused`;
}

function counted(value: number, total: number): string {
  return `${barText(value, total)} ${grouped(value)}/${grouped(total)}`;
}

/** The same without the drawing, for logs and pipes. */
export function plainWatchLine(message: WatchCampaignResponse): string {
  const at = new Date(epochMsOf(message.serverTime) ?? 0).toISOString();
  return `${at}  ${watchLine(message, 0).replace(/[█░]+ /g, "")}`;
}

/** What happened since the message before, a line each: "2026-…Z  !! the process … is silent". */
export function plainEventLines({ events }: WatchCampaignResponse): string[] {
  return events.map(({ at, level, text }) => {
    const mark = level === EventLevel.ALARM ? "!!" : level === EventLevel.WARNING ? "!" : "*";
    return `${new Date(epochMsOf(at) ?? 0).toISOString()}  ${mark} ${printable(text)}`;
  });
}
