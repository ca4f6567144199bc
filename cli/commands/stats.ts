import { toJson } from "@bufbuild/protobuf";
import { lateness } from "../../operator/lateness.ts";
import {
  type GetCampaignStatsResponse,
  GetCampaignStatsResponseSchema,
} from "../../proto/gen/coupon/v1/stats_pb.ts";
import { counted, grouped, isOrAre } from "../../runtime/counting.ts";
import { barText } from "../bar.ts";
import { call } from "../call.ts";
import { chartSvg } from "../chart.ts";
import type { Action, Input } from "../command.ts";
import { durationText } from "../duration.ts";
import { type Fairness, gatherFairness } from "../fairness.ts";
import { readingOf } from "../history-check.ts";
import { jsonOptions } from "../json.ts";
import { epochMsOf, factLines, isOver, printable, stateName } from "../render.ts";
import type { Session } from "../session.ts";
import { fileSink, type Sink } from "../sink.ts";
import { UserError } from "../user-error.ts";
import { maxBucketMs } from "../verbs/stats.ts";

/** The width of a bar where only --seconds is given. */
const defaultBucketMs = 1_000;
const maxSeconds = 172_800_000;
const maxBuckets = 1_000;
const secondMs = 1_000;
const linesMost = 40;
const barCellsMost = 24;

export const action: Action = {
  async run(session, input) {
    const svg = input.text("--svg");
    // Opened before the first call, so that a file that cannot be written is reported at once.
    const chart = svg === undefined ? undefined : await fileSink(svg, "--svg");
    try {
      await showStats(session, input, chart);
    } catch (error) {
      await chart?.abandon();
      throw error;
    }
    if (svg !== undefined && !session.output.json) session.output.note(`the chart is in ${printable(svg)}`);
  },
};

async function showStats(session: Session, input: Input, chart: Sink | undefined): Promise<void> {
  const { output } = session;
  const { campaignId } = input;
  const request = { campaignId, ...windowOf(input) };
  const answer = await call(session, (options) => session.campaigns.getCampaignStats(request, options));
  const facts = lateness(answer);
  const files = input.text("--history")?.split(",") ?? [];
  const fairness = files.length === 0 ? undefined : await fairnessOf(files, facts.startsAtMs);
  await chart?.write(chartOf(answer));
  await chart?.finish();
  if (output.json) {
    const shown = { ...Object(toJson(GetCampaignStatsResponseSchema, answer, jsonOptions)), ...facts };
    await output.write(`${JSON.stringify({ ...shown, ...(fairness === undefined ? {} : { fairness }) })}\n`);
    return;
  }
  const soldOutBefore = await firstSellOut(session, answer);
  await output.write(statsText(session, answer, soldOutBefore, fairness));
}

/** Zero: the service chooses, by the times of the sale. */
function windowOf(input: Input): { bucketMs: number; buckets: number } {
  const given = input.wholeNumber("--bucket", 10, maxBucketMs);
  const seconds = input.wholeNumber("--seconds", 1, maxSeconds);
  if (seconds === undefined) return { bucketMs: given ?? 0, buckets: 0 };
  const leastMs = Math.ceil((seconds * 1_000) / maxBuckets);
  const bucketMs = given ?? Math.max(defaultBucketMs, leastMs);
  const buckets = Math.ceil((seconds * 1_000) / bucketMs);
  if (buckets > maxBuckets)
    throw new UserError(`${counted(buckets, "bar")} ${isOrAre(buckets)} more than ${grouped(maxBuckets)}`, {
      hint: `give --bucket ${leastMs} or more`,
    });
  return { bucketMs, buckets };
}

async function fairnessOf(files: readonly string[], startsAtMs: number): Promise<Fairness> {
  const gathering = gatherFairness(startsAtMs);
  for await (const entry of readingOf(files, 0)) gathering.take(entry);
  return gathering.result();
}

const historyPage = 100;

/**
 * In words: the first time that it was sold out, before coupons were added. Only the history has that, with
 * the time at which a scheduler wrote the entry. undefined: it was not sold out before, or the history could
 * not be read.
 */
async function firstSellOut(
  { campaigns, signal, settings }: Session,
  { campaign }: GetCampaignStatsResponse,
): Promise<string | undefined> {
  if (campaign === undefined || campaign.issued === 0 || campaign.issued >= campaign.total) return undefined;
  try {
    const { entries } = await campaigns.listHistory(
      { campaignId: campaign.id, pageSize: historyPage },
      { signal, timeoutMs: settings.timeoutMs },
    );
    const first = entries.findLast(({ verb }) => verb === "sell-out");
    const soldOutWith = first?.after?.total;
    const atMs = epochMsOf(first?.at);
    const startsAtMs = epochMsOf(campaign.startsAt);
    if (soldOutWith === undefined || atMs === undefined || startsAtMs === undefined) return undefined;
    const seconds = Math.max(0, (atMs - startsAtMs) / 1_000).toFixed(1);
    return `not since ${grouped(campaign.total - soldOutWith)} were added; with ${grouped(soldOutWith)} about ${seconds} s after the start`;
  } catch {
    return undefined;
  }
}

function statsText(
  { output }: Session,
  answer: GetCampaignStatsResponse,
  soldOutBefore: string | undefined,
  fairness: Fairness | undefined,
): string {
  const { campaign, issuedPerBucket, issuedLater } = answer;
  if (campaign === undefined) return "";
  const { openingLateMs, firstCouponLateMs, soldOutAfterMs } = lateness(answer);
  const ms = (value: number | undefined, none: string) =>
    value === undefined ? none : `${sinceText(value)} after the start`;
  const best = Math.max(0, ...issuedPerBucket);
  const facts: [string, string][] = [
    ["issued", `${grouped(campaign.issued)} of ${grouped(campaign.total)}`],
    ["opened", ms(openingLateMs, "not yet")],
    ["first coupon", ms(firstCouponLateMs, "none yet")],
    ["sold out", ms(soldOutAfterMs, soldOutBefore ?? (isOver(campaign.state) ? "no" : "not yet"))],
    ["fastest", fastestText(answer)],
  ];
  if (fairness !== undefined) facts.push(...fairnessFacts(fairness));
  else facts.push(["fairness", "served in the order of the numbers; who arrived when only --history knows"]);
  const shown = issuedPerBucket.slice(0, linesMost);
  const rest = issuedPerBucket.slice(linesMost).reduce((sum, issued) => sum + issued, 0) + issuedLater;
  const offsets = [...shown.map((_issued, bucket) => offsetText(bucket, answer)), "later"];
  const width = Math.max(...offsets.map((text) => text.length));
  const barCells = Math.max(1, Math.min(barCellsMost, output.columns - width - grouped(best).length - 5));
  const bars = shown.map(
    (issued, bucket) =>
      `  ${offsets[bucket]?.padStart(width)}  ${barText(issued, best, barCells)} ${grouped(issued)}\n`,
  );
  const later = rest > 0 ? `  ${"later".padStart(width)}  ${grouped(rest)}\n` : "";
  const title = `${output.style("bold", campaign.id)}  ${stateName(campaign.state)}\n`;
  return `${title}${factLines(facts)}${bars.join("")}${later}`;
}

export function fairnessFacts({ holders, requests, waitMs, inversions, pairs, placesLost }: Fairness) {
  const number = (value: number) => grouped(Math.round(value));
  const share = pairs === 0 ? 0 : (inversions / pairs) * 100;
  return [
    ["callers", `${grouped(holders)} with a coupon, ${counted(requests, "request")}`],
    ["wait", `p50 ${number(waitMs.p50)} ms, p99 ${number(waitMs.p99)} ms, p99.9 ${number(waitMs.p999)} ms`],
    [
      "inversions",
      `${grouped(inversions)} of ${counted(pairs, "pair")} served the other way round (${share.toFixed(3)} %)`,
    ],
    [
      "places lost",
      `p50 ${number(placesLost.p50)}, p99 ${number(placesLost.p99)}, at most ${number(placesLost.max)}`,
    ],
  ] satisfies [string, string][];
}

/** The busiest second; of a service that does not send it, the highest bar. */
function fastestText({
  issuedPerBucket,
  bucketMs,
  peakPerSecond,
  peakAt,
  campaign,
}: GetCampaignStatsResponse) {
  const peakMs = epochMsOf(peakAt);
  if (peakMs !== undefined) {
    const since = peakMs - (epochMsOf(campaign?.startsAt) ?? 0);
    return `${grouped(peakPerSecond)} in one second, ${durationText(since)} after the start`;
  }
  const best = Math.max(0, ...issuedPerBucket);
  return best === 0 ? "nothing yet" : `${grouped(best)} in ${durationText(bucketMs)}`;
}

/** In milliseconds below ten minutes, else as a duration. */
function sinceText(ms: number): string {
  return Math.abs(ms) < 600_000 ? `${grouped(Math.round(ms))} ms` : durationText(ms);
}

/** The time after the start at which a bar begins. */
function offsetText(bucket: number, { firstBucketMs, bucketMs }: GetCampaignStatsResponse): string {
  return `+${durationText(Number(firstBucketMs) + bucket * bucketMs)}`;
}

function chartOf(answer: GetCampaignStatsResponse): string {
  const { campaign, issuedPerBucket, bucketMs } = answer;
  // A count over longer than a second is no rate.
  const isRate = bucketMs <= secondMs;
  const name = campaign?.name ?? "";
  const starts = new Date(epochMsOf(campaign?.startsAt) ?? 0).toISOString();
  return chartSvg({
    title: `${name}: ${grouped(campaign?.issued ?? 0)} of ${counted(campaign?.total ?? 0, "coupon")}`,
    subtitle: `campaign ${campaign?.id}, opens ${starts}`,
    yLabel: isRate ? "coupons a second" : `coupons in ${durationText(bucketMs)}`,
    xLabel: "after the start",
    values: issuedPerBucket.map((issued) => (isRate ? (issued * secondMs) / bucketMs : issued)),
    xAt: (bar) => offsetText(bar, answer),
  });
}
