import type { WatchCampaignResponse } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { grouped } from "../../runtime/counting.ts";
import { printable } from "../render.ts";
import { cellsOf } from "./cells.ts";
import { chart, highestShown, sparkline } from "./drawings.ts";
import type { Model } from "./model.ts";
import { type Look, label, labelCells, painted, type Span, span } from "./spans.ts";

const outcomesShown = 6;
const answerLinesMax = 2;

const perSecond = (value: number): string => `${grouped(Math.round(value))}/s`;

/**
 * Rate, latency and answers, without empty rows: before the first claim there is only one line, which says
 * "none yet".
 */
export function trafficLines(
  model: Model,
  message: WatchCampaignResponse,
  rows: number,
  look: Look,
): string[] {
  const { traffic, ledgerDepth, campaign } = message;
  const hasRate = model.peakRate > 0 || message.issuedPerSecond > 0 || (campaign?.issued ?? 0) > 0;
  const hasLatency = traffic?.p50Ms !== undefined || traffic?.p99Ms !== undefined || ledgerDepth > 0;
  return [
    ...(hasRate ? rateLines(model, message, model.rates.some((rate) => rate > 0) ? rows : 0, look) : []),
    ...(hasRate || hasLatency ? [latencyLine(message, look)] : []),
    ...answerLines(message, look),
  ];
}

/**
 * Coupons per second: now, the highest so far, and a chart of the last ones; in `rows` rows of its own where
 * there are any, else in the same line.
 */
function rateLines(model: Model, message: WatchCampaignResponse, rows: number, look: Look): string[] {
  const { rates, peakRate } = model;
  const told = `${perSecond(message.issuedPerSecond)}  peak ${perSecond(peakRate)}`;
  if (rows === 0) {
    const cells = Math.max(0, look.width - labelCells - cellsOf(told) - 1);
    const drawn = `${sparkline(rates, cells, look.unicode)} `;
    return [painted([label("rate"), span(drawn, "cyan"), span(told)], look)];
  }
  const cells = Math.max(0, look.width - labelCells);
  const drawn = chart(rates, cells, rows, look.unicode);
  const scale = perSecond(highestShown(rates, cells));
  return [
    painted([label("rate"), span(told)], look),
    ...drawn.map((line, row) => painted([label(row === 0 ? scale : ""), span(line, "cyan")], look)),
  ];
}

function latencyLine({ traffic, ledgerDepth }: WatchCampaignResponse, look: Look): string {
  const ms = (value: number | undefined): string =>
    value === undefined ? "-" : `${value < 10 ? value.toFixed(1) : grouped(Math.round(value))} ms`;
  const told = `p50 ${ms(traffic?.p50Ms)}   p99 ${ms(traffic?.p99Ms)}   ledger ${grouped(ledgerDepth)}`;
  return painted([label("latency"), span(told)], look);
}

const isGood = (outcome: string): boolean => outcome === "issued" || outcome === "replayed";
const troubles: readonly string[] = ["overloaded", "uncertain"];

/** The answers to callers by outcome: rate now and total. As many lines as the width needs, at most two. */
function answerLines({ traffic }: WatchCampaignResponse, look: Look): string[] {
  if (traffic === undefined)
    return [painted([label("answers"), span("not known: MongoDB does not answer", "red")], look)];
  const shown = traffic.outcomes.slice(0, outcomesShown);
  if (shown.length === 0) return [painted([label("answers"), span("none yet", "dim")], look)];
  const spans = shown.map(({ outcome, perSecond: rate, total }) => {
    const style = isGood(outcome) ? "green" : troubles.includes(outcome) ? "red" : undefined;
    return span(
      `${printable(outcome).replaceAll("_", " ")} ${perSecond(rate)} (${grouped(Number(total))})`,
      style,
    );
  });
  const lines: Span[][] = [[]];
  let used = 0;
  for (const one of spans) {
    const cells = cellsOf(one.text) + 3;
    const line = lines.at(-1);
    if (used > 0 && used + cells > look.width - labelCells && lines.length < answerLinesMax) {
      lines.push([one]);
      used = cells;
    } else {
      line?.push(...(used > 0 ? [span("   "), one] : [one]));
      used += cells;
    }
  }
  return lines.map((line, i) => painted([label(i === 0 ? "answers" : ""), ...line], look));
}
