import { writeFile } from "node:fs/promises";
import { toJson } from "@bufbuild/protobuf";
import {
  type GetCampaignStatsResponse,
  GetCampaignStatsResponseSchema,
} from "../../proto/gen/coupon/v1/stats_pb.ts";
import { barText } from "../bar.ts";
import { call } from "../call.ts";
import { chartSvg } from "../chart.ts";
import type { Action } from "../command.ts";
import { type Fairness, gatherFairness } from "../fairness.ts";
import { readingOf } from "../history-check.ts";
import { jsonOptions } from "../json.ts";
import { lateness } from "../lateness.ts";
import { epochMsOf, factLines, grouped, isOver, printable, stateName } from "../render.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";
import { defaultBucketMs, defaultSeconds } from "../verbs/stats.ts";

const maxBuckets = 1_000;
const linesMost = 40;

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const { campaignId } = input;
    const bucketMs = input.wholeNumber("--bucket", 10, 3_600_000) ?? defaultBucketMs;
    const seconds = input.wholeNumber("--seconds", 1, 3_600_000) ?? defaultSeconds;
    const buckets = Math.ceil((seconds * 1_000) / bucketMs);
    if (buckets > maxBuckets)
      throw new UserError(`${grouped(buckets)} bars are more than ${grouped(maxBuckets)}`, {
        hint: `give --bucket ${Math.ceil((seconds * 1_000) / maxBuckets)} or more`,
      });
    const request = { campaignId, bucketMs, buckets };
    const answer = await call(session, (options) => session.campaigns.getCampaignStats(request, options));
    const facts = lateness(answer);
    const files = input.text("--history")?.split(",") ?? [];
    const fairness = files.length === 0 ? undefined : await fairnessOf(files, facts.startsAtMs);
    const svg = input.text("--svg");
    if (svg !== undefined) await writeChart(svg, answer);
    if (output.json) {
      const shown = { ...Object(toJson(GetCampaignStatsResponseSchema, answer, jsonOptions)), ...facts };
      await output.write(
        `${JSON.stringify({ ...shown, ...(fairness === undefined ? {} : { fairness }) })}\n`,
      );
      return;
    }
    const soldOutBefore = await firstSellOut(session, answer);
    await output.write(statsText(session, answer, soldOutBefore, fairness));
    if (svg !== undefined) output.note(`the chart is in ${printable(svg)}`);
  },
};

async function fairnessOf(files: readonly string[], startsAtMs: number): Promise<Fairness> {
  const gathering = gatherFairness(startsAtMs);
  for await (const entry of readingOf(files, 0)) gathering.take(entry);
  return gathering.result();
}

const historyPage = 100;

/**
 * In words where it was sold out before coupons were added: only the history knows, and it says when a scheduler wrote it down.
 * Undefined: not so, or nothing is known of it.
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
  const { campaign, issuedPerBucket, bucketMs, issuedLater } = answer;
  if (campaign === undefined) return "";
  const { openingLateMs, firstCouponLateMs, soldOutAfterMs } = lateness(answer);
  const ms = (value: number | undefined, none: string) =>
    value === undefined ? none : `${grouped(Math.round(value))} ms after the start`;
  const best = Math.max(0, ...issuedPerBucket);
  const facts: [string, string][] = [
    ["issued", `${grouped(campaign.issued)} of ${grouped(campaign.total)}`],
    ["opened", ms(openingLateMs, "not yet")],
    ["first coupon", ms(firstCouponLateMs, "none yet")],
    ["sold out", ms(soldOutAfterMs, soldOutBefore ?? (isOver(campaign.state) ? "no" : "not yet"))],
    ["fastest", `${grouped(Math.round((best * 1_000) / bucketMs))} a second, over ${grouped(bucketMs)} ms`],
  ];
  if (fairness !== undefined) facts.push(...fairnessFacts(fairness));
  else facts.push(["fairness", "served in the order of the numbers; who arrived when only --history knows"]);
  const shown = issuedPerBucket.slice(0, linesMost);
  const bars = shown.map(
    (issued, bucket) =>
      `  ${offsetText(bucket, bucketMs).padStart(9)}  ${barText(issued, best)} ${grouped(issued)}\n`,
  );
  const rest = issuedPerBucket.slice(linesMost).reduce((sum, issued) => sum + issued, 0) + issuedLater;
  const later = rest > 0 ? `  ${"later".padStart(9)}  ${grouped(rest)}\n` : "";
  const title = `${output.style("bold", campaign.id)}  ${stateName(campaign.state)}\n`;
  return `${title}${factLines(facts)}${bars.join("")}${later}`;
}

export function fairnessFacts({ holders, requests, waitMs, inversions, pairs, placesLost }: Fairness) {
  const number = (value: number) => grouped(Math.round(value));
  const share = pairs === 0 ? 0 : (inversions / pairs) * 100;
  return [
    ["callers", `${grouped(holders)} with a coupon, ${grouped(requests)} requests`],
    ["wait", `p50 ${number(waitMs.p50)} ms, p99 ${number(waitMs.p99)} ms, p99.9 ${number(waitMs.p999)} ms`],
    [
      "inversions",
      `${grouped(inversions)} of ${grouped(pairs)} pairs were served the other way round (${share.toFixed(3)} %)`,
    ],
    [
      "places lost",
      `p50 ${number(placesLost.p50)}, p99 ${number(placesLost.p99)}, at most ${number(placesLost.max)}`,
    ],
  ] satisfies [string, string][];
}

function offsetText(bucket: number, bucketMs: number): string {
  return `+${((bucket * bucketMs) / 1_000).toFixed(bucketMs % 1_000 === 0 ? 0 : 2)} s`;
}

async function writeChart(path: string, answer: GetCampaignStatsResponse): Promise<void> {
  const { campaign, issuedPerBucket, bucketMs } = answer;
  const name = campaign?.name ?? "";
  const starts = new Date(epochMsOf(campaign?.startsAt) ?? 0).toISOString();
  const svg = chartSvg({
    title: `${name}: ${grouped(campaign?.issued ?? 0)} of ${grouped(campaign?.total ?? 0)} coupons`,
    subtitle: `campaign ${campaign?.id}, opens ${starts}`,
    yLabel: "coupons a second",
    xLabel: "seconds after the start",
    values: issuedPerBucket.map((issued) => (issued * 1_000) / bucketMs),
    xAt: (bar) => offsetText(bar, bucketMs),
  });
  await writeFile(path, svg).catch((error: unknown) => {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new UserError(`--svg: cannot write "${path}": ${why}`, { cause: error });
  });
}
