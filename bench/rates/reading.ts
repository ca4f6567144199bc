import { randomUUID } from "node:crypto";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign } from "../load/campaign.ts";
import { codesOfCampaign, codesOfExport, type Reading, readCodes, readExport } from "../load/raw-reader.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Figure, Findings } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { forgetPeakMemory, peakMemoryMb } from "./ground.ts";
import { claims, load, medianOf, WARM_UP_SECONDS } from "./loads.ts";
import { besideOtherServer } from "./other-server.ts";
import { recordSoldOut } from "./recorded.ts";
import type { WrkResult } from "./wrk.ts";

const EXPORTED = 1_000_000;
const LISTED = 100_000;
const CONNECTIONS = 64;
/** More codes than are made while the claims are measured, for a campaign that starts much later. */
const MADE = 1_000_000;
const STARTS_IN_MS = 12 * 3_600_000;

type Reader = {
  readonly name: string;
  readonly baseUrl: string;
  readonly campaignId: string;
  readonly read: typeof readExport;
};

/** @throws Trouble unless these are all codes, in the order of their issue */
export function checkCodes(codes: readonly string[], total: number, codeAt: (seq: number) => string): void {
  if (codes.length !== total) throw new Trouble(`${codes.length} codes were read instead of ${total}`);
  const wrong = codes.findIndex((code, index) => code !== codeAt(index + 1));
  if (wrong >= 0) throw new Trouble(`the code in place ${wrong + 1} is not the one that was issued there`);
}

/** Reads again and again until the work is done; returns also the number of bytes read meanwhile. */
async function beside(
  { signal }: BenchmarkContext,
  { campaignId, baseUrl, read }: Reader,
  work: () => Promise<WrkResult>,
): Promise<WrkResult & { readonly bytes: number }> {
  const done = new AbortController();
  let bytes = 0;
  const onBytes = (more: number) => {
    bytes += more;
  };
  const reading = (async () => {
    const until = AbortSignal.any([signal, done.signal]);
    while (!until.aborted) {
      try {
        await read({ baseUrl, campaignId, keep: false, signal: until, onBytes });
      } catch (error) {
        if (!until.aborted) throw error;
      }
    }
  })();
  try {
    // A reading that fails ends the measurement at once.
    const broken = reading.then((): never => {
      throw signal.reason;
    });
    const result = await Promise.race([work(), broken]);
    return { ...result, bytes };
  } finally {
    done.abort();
    await reading;
  }
}

/** Makes the codes of a campaign until the work is done; returns also how many. */
async function besideMaking(
  { ground }: BenchmarkContext,
  work: () => Promise<WrkResult>,
): Promise<WrkResult & { readonly bytes: number; readonly codes: number }> {
  const { campaigns } = ground.clients;
  const plan = { name: "bench", total: MADE, startsAtMs: Date.now() + STARTS_IN_MS };
  const campaignId = await createCampaign(campaigns, plan);
  const result = await work();
  const { campaign } = await campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
  await campaigns.cancelCampaign({ campaignId, requestId: randomUUID() });
  return { ...result, bytes: 0, codes: campaign?.generated ?? Number.NaN };
}

export const reading: Benchmark = {
  name: "reading",
  what: "a million coupons exported, 100,000 codes listed: seconds, memory, and what it costs claims at 64 connections, of the same server and of another; the same beside the making of codes",
  effort: { rounds: 5, seconds: 4 },
  run: (context) => besideOtherServer(context, (other) => measure(context, other)),
};

async function measure(context: BenchmarkContext, other: { readonly baseUrl: string }): Promise<Findings> {
  const { ground, rounds, seconds, signal } = context;
  const { baseUrl, pid } = ground.service;
  const exported = await recordSoldOut(ground, EXPORTED, signal);
  const listed = await recordSoldOut(ground, LISTED, signal);
  const figures: Figure[] = [];

  /** Reads once to check the codes, then once more, without claims beside it, for the figures. */
  const alone = async (
    { name, campaignId, read }: Reader,
    codesOf: (reading: Reading) => string[],
    total: number,
    codeAt: (seq: number) => string,
  ) => {
    checkCodes(codesOf(await read({ baseUrl, campaignId, keep: true, signal })), total, codeAt);
    forgetPeakMemory(pid);
    const took = await read({ baseUrl, campaignId, keep: false, signal });
    figures.push({ name: `${name}_seconds`, value: took.seconds, unit: "s" });
    figures.push({ name: `${name}_peak_memory`, value: peakMemoryMb(pid), unit: "MB" });
    return took.bytes / total;
  };
  const exporting = { name: "export_million", baseUrl, campaignId: exported.campaignId, read: readExport };
  const listing = { name: "list_100k", baseUrl, campaignId: listed.campaignId, read: readCodes };
  await alone(listing, codesOfCampaign, LISTED, listed.codeAt);
  const couponBytes = await alone(exporting, codesOfExport, EXPORTED, exported.codeAt);

  const total = await context.couponsFor(WARM_UP_SECONDS + rounds * seconds * 5);
  const campaignId = await campaignIn(ground, "open", total, signal);
  const wanted = { connections: CONNECTIONS, campaignId, seconds };
  await load(context, { ...wanted, seconds: WARM_UP_SECONDS });
  const work = () => claims(context, wanted);
  const results = await interleaved<WrkResult & { bytes: number; codes?: number }>(rounds, {
    alone: async () => ({ ...(await work()), bytes: 0 }),
    exporting: () => beside(context, exporting, work),
    listing: () => beside(context, listing, work),
    elsewhere: () => beside(context, { ...exporting, ...other }, work),
    making: () => besideMaking(context, work),
  });
  const perSecond = (name: string) => (results[name] ?? []).map((result) => result.perSecond);
  for (const [name, what] of [
    ["exporting", "export"],
    ["listing", "list"],
    ["elsewhere", "export_other_worker"],
    ["making", "making_codes"],
  ] as const) {
    const ratios = perSecond(name).map((rate, round) => rate / (perSecond("alone")[round] ?? Number.NaN));
    figures.push({ name: `claims_beside_${what}`, value: median(ratios), unit: "of alone" });
    figures.push({
      name: `claims_beside_${what}_p99`,
      value: medianOf(results[name], "p99Ms"),
      unit: "ms",
    });
  }
  figures.push({
    name: "claims_beside_nothing",
    value: medianOf(results["alone"], "perSecond"),
    unit: "/s",
  });
  figures.push({
    name: "claims_beside_nothing_p99",
    value: medianOf(results["alone"], "p99Ms"),
    unit: "ms",
  });
  const bytes = median((results["exporting"] ?? []).map((result) => result.bytes));
  figures.push({ name: "export_beside_claims", value: bytes / couponBytes / seconds, unit: "coupons/s" });
  const codes = median((results["making"] ?? []).map((result) => result.codes ?? Number.NaN));
  figures.push({ name: "making_beside_claims", value: codes / seconds, unit: "codes/s" });
  const curve = {
    name: "reading_effect",
    unit: "claims/s",
    places: Array.from({ length: rounds }, (_, round) => `round ${round + 1}`),
    series: [
      { name: "alone", values: perSecond("alone") },
      { name: "while a million coupons are exported", values: perSecond("exporting") },
      { name: "while 100,000 codes are listed", values: perSecond("listing") },
      { name: "while another server exports a million", values: perSecond("elsewhere") },
    ],
  };
  return { figures, curves: [curve] };
}
