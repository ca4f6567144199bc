import { CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { WatchCampaignResponse } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventLevel } from "../proto/gen/coupon/v1/watch_pb.ts";
import { grouped } from "../runtime/counting.ts";
import { cellsOf, clipped } from "./console/cells.ts";
import type { Output } from "./output.ts";
import { countdown, epochMsOf, isHeldBeforeOpening, printable, stateName, whenResumed } from "./render.ts";
import { defaultColumns } from "./wrap.ts";

/** A line at the bottom of the terminal that is redrawn until it is closed. */
export interface Bar {
  close(): void;
}

const framesPerSecond = 10;
const clearLine = "\r\u001b[K";
const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";

/**
 * Calls `line` at every frame, so that a countdown in it moves without messages. `line` must keep to the
 * number of columns that it is given.
 */
export function openBar(
  { bars: stream, drawn }: Pick<Output, "bars" | "drawn">,
  line: (columns: number) => string,
): Bar {
  const draw = () => stream.write(`${clearLine}${drawn(line(stream.columns ?? defaultColumns))}`);
  stream.write(hideCursor);
  draw();
  const timer = setInterval(draw, 1_000 / framesPerSecond);
  return {
    close() {
      clearInterval(timer);
      stream.write(`${clearLine}${showCursor}`);
    },
  };
}

const barCells = 24;

/** "████░░░░": full only when it is full, empty only when it is empty. */
export function barText(value: number, total: number, ofCells = barCells): string {
  const share = total > 0 ? Math.min(1, Math.max(0, value / total)) : 0;
  let cells = Math.floor(share * ofCells);
  if (cells === 0 && share > 0) cells = 1;
  return "█".repeat(cells) + "░".repeat(ofCells - cells);
}

const narrowerCells = [barCells, 16, 8, 0];

/**
 * The line with the widest bar that fits; `lineWith` makes it with a bar of so many cells, 0: without one.
 * Where even that is too wide, its end is cut: a line that wraps would be drawn again and again.
 */
export function fittedLine(columns: number, lineWith: (barCells: number) => string): string {
  for (const cells of narrowerCells) {
    const line = lineWith(cells);
    if (cellsOf(line) <= columns) return line;
  }
  return clipped(lineWith(0), columns);
}

/** The bar and the blank behind it, in a line that may have none. */
export function barOf(value: number, total: number, cells: number): string {
  return cells === 0 ? "" : `${barText(value, total, cells)} `;
}

/** A part of the line; the parts are in order. */
interface Part {
  readonly text: string;
  /** Where the terminal is too narrow, the part with the highest number is left out first; 0: never. */
  readonly spare: number;
}

/**
 * The state of the campaign, in one line; `elapsedMs` is the time since the message arrived, to advance the
 * server's clock. A line longer than `columns` gets a smaller bar, then fewer words; the state and the
 * countdown always stay.
 */
export function watchLine(
  message: WatchCampaignResponse,
  elapsedMs: number,
  columns = Number.POSITIVE_INFINITY,
): string {
  let line = "";
  for (const cells of narrowerCells) {
    line = joined(partsOf(message, elapsedMs, cells));
    if (cellsOf(line) <= columns) return line;
  }
  let parts = partsOf(message, elapsedMs, 0);
  for (;;) {
    const most = Math.max(0, ...parts.map(({ spare }) => spare));
    if (most === 0 || cellsOf(line) <= columns) return line;
    parts = parts.filter(({ spare }) => spare < most);
    line = joined(parts);
  }
}

function joined(parts: readonly Part[]): string {
  return parts.map(({ text }) => text).join("  ");
}

function partsOf(message: WatchCampaignResponse, elapsedMs: number, cells: number): Part[] {
  const { campaign } = message;
  if (campaign === undefined) return [];
  const serverMs = (epochMsOf(message.serverTime) ?? 0) + elapsedMs;
  const leftToStartMs = (epochMsOf(campaign.startsAt) ?? serverMs) - serverMs;
  const endsMs = epochMsOf(campaign.endsAt);
  const ends = endsMs === undefined || endsMs <= serverMs ? "" : `ends in ${countdown(endsMs - serverMs)}`;
  const starts = leftToStartMs > 0 ? `opens in ${countdown(leftToStartMs)}` : "opening";
  const counted = (value: number, what: string): Part => {
    return {
      text: `${barOf(value, campaign.total, cells)}${grouped(value)}/${grouped(campaign.total)} ${what}`,
      spare: 1,
    };
  };
  const state: Part = { text: stateName(campaign.state), spare: 0 };
  const clock = (text: string): Part => ({ text, spare: 0 });
  const issued = counted(campaign.issued, "issued");

  if (campaign.state === CampaignState.GENERATING) {
    return [state, counted(campaign.generated, "codes made"), clock(starts)];
  }
  if (campaign.state === CampaignState.SCHEDULED) return [state, issued, clock(starts)];
  if (isHeldBeforeOpening(campaign)) return [state, issued, clock(whenResumed(leftToStartMs))];
  const pending = message.ledgerDepth > 0 ? `${grouped(message.ledgerDepth)} being recorded` : "";
  const { latency, refused } = trafficTexts(message);
  return [
    state,
    issued,
    { text: `${grouped(message.remaining)} left`, spare: 2 },
    { text: `${grouped(Math.round(message.issuedPerSecond))}/s`, spare: 3 },
    { text: latency, spare: 5 },
    { text: refused, spare: 4 },
    { text: pending, spare: 6 },
    clock(ends),
  ].filter(({ text }) => text !== "");
}

/** The latency of answers, and the rate of refusals. */
function trafficTexts({ traffic }: WatchCampaignResponse): { latency: string; refused: string } {
  if (traffic?.p50Ms === undefined || traffic.p99Ms === undefined) return { latency: "", refused: "" };
  const good: readonly string[] = ["issued", "replayed"];
  const refused = traffic.outcomes.reduce(
    (sum, { outcome, perSecond }) => sum + (good.includes(outcome) ? 0 : perSecond),
    0,
  );
  return {
    latency: `p50 ${traffic.p50Ms.toFixed(1)} ms  p99 ${traffic.p99Ms.toFixed(1)} ms`,
    refused: refused < 0.5 ? "" : `${grouped(Math.round(refused))}/s refused`,
  };
}

/** The watch line without the bar, for logs and pipes. */
export function plainWatchLine(message: WatchCampaignResponse): string {
  const at = new Date(epochMsOf(message.serverTime) ?? 0).toISOString();
  return `${at}  ${watchLine(message, 0).replace(/[█░]+ /g, "")}`;
}

/** The events since the message before, a line each: "2026-…Z !! the process … is silent". */
export function plainEventLines({ events }: WatchCampaignResponse): string[] {
  return events.map(({ at, level, text }) => {
    const mark = level === EventLevel.ALARM ? "!!" : level === EventLevel.WARNING ? "!" : "*";
    return `${new Date(epochMsOf(at) ?? 0).toISOString()}  ${mark} ${printable(text)}`;
  });
}
