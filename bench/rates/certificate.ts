import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toBinary } from "@bufbuild/protobuf";
import { MongoClient } from "mongodb";
import { percentilesOf } from "../../callers/percentiles.ts";
import { repositoryDir } from "../../local/repository.ts";
import { IssuanceProofSchema } from "../../proto/gen/coupon/v1/proof_pb.ts";
import type { Verdict } from "../certificate-file.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { runTold } from "../told-run.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Figure } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { median } from "./compare.ts";
import { cpuSeconds, forgetPeakMemory, type Ground, peakMemoryMb } from "./ground.ts";

/** Of two sizes, so that the figures show whether the cost of an issuance depends on their number. */
const SIZES = [
  ["100k", 100_000],
  ["million", 1_000_000],
] as const;
const BATCH = 20_000;
const MEGABYTE = 1_000_000;
const PROOFS = 50;
/** Pause of a caller beside the making: rare enough that the service stays idle. */
const LOOK_MS = 100;
/** How long such a caller is measured alone. */
const ALONE_MS = 10_000;
const HOUR_MS = 3_600_000;
const VERIFIER = join(repositoryDir, "verifier", "verify-certificate.mjs");

/**
 * Records an issuance for each code, an hour hence: a sale of a million takes minutes. MongoDB makes them of
 * the coupons by itself.
 */
async function issueAll(
  { mongodb }: Ground,
  campaignId: string,
  issued: number,
  signal: AbortSignal,
): Promise<void> {
  const client = new MongoClient(mongodb.url);
  try {
    const made = {
      ...{ campaignId: 1, generation: { $literal: 1 }, seq: { $add: ["$ordinal", 1] } },
      claimKey: { $concat: ["user-", { $toString: "$ordinal" }] },
      issuedAt: { $literal: new Date(Date.now() + HOUR_MS) },
    };
    const into = { into: "issuances", whenMatched: "fail", whenNotMatched: "insert" };
    const coupons = client.db(mongodb.database).collection("coupons");
    for (let first = 0; first < issued; first += BATCH) {
      signal.throwIfAborted();
      const these = { campaignId, ordinal: { $gte: first, $lt: first + BATCH } };
      await coupons.aggregate([{ $match: these }, { $project: made }, { $merge: into }]).toArray();
    }
  } finally {
    await client.close();
  }
}

async function secondsOf<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const startedAtMs = performance.now();
  const result = await work();
  return [(performance.now() - startedAtMs) / 1_000, result];
}

export const certificate: Benchmark = {
  name: "certificate",
  what: "a certificate of a million issuances: seconds, bytes and memory to make it, to ask for it again, and to check it; proofs of it",
  effort: { rounds: 1, seconds: 1 },
  async run(context) {
    const dir = await mkdtemp(join(tmpdir(), "coupon-certificate-"));
    try {
      const figures: Figure[] = [];
      for (const [name, issued] of SIZES)
        figures.push(...(await measure(context, join(dir, `${name}.jsonl`), name, issued)));
      return { figures };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function measure(
  { ground, signal }: BenchmarkContext,
  file: string,
  name: string,
  issued: number,
): Promise<Figure[]> {
  const { campaigns } = ground.clients;
  const { pid, baseUrl } = ground.service;
  const campaignId = await campaignIn(ground, "scheduled", issued, signal);
  await issueAll(ground, campaignId, issued, signal);
  // Its issue order is final then.
  await campaigns.cancelCampaign({ campaignId });
  const command = join(ground.builtDir, "cli", "coupon.mjs");
  const certify = () =>
    secondsOf(() =>
      runTold([command, "certify", campaignId, "--out", file], {
        ...{ COUPON_URL: baseUrl, COUPON_TOKEN: OPERATOR_TOKEN },
      }),
    );

  const alone = lookUntilStopped(ground, campaignId);
  await sleep(ALONE_MS);
  const before = percentilesOf(await alone.stop());
  forgetPeakMemory(pid);
  const processorBefore = cpuSeconds(pid);
  const looking = lookUntilStopped(ground, campaignId);
  const [made, { peakMemoryMb: commandMemory }] = await certify();
  const looks = percentilesOf(await looking.stop());
  const processor = cpuSeconds(pid) - processorBefore;
  const memory = peakMemoryMb(pid);
  const [again] = await certify();
  const { size } = await stat(file);
  const [checked, checking] = await secondsOf(() => runTold([VERIFIER, file, "--json"], {}));
  const verdict = JSON.parse(checking.stdout) as Verdict;
  if (!verdict.ok) throw new Trouble(`the certificate is refused: ${JSON.stringify(verdict.findings)}`);
  const figure = (what: string, value: number, unit: string) => ({
    ...{ name: `certificate_${name}_${what}`, value, unit },
  });
  return [
    figure("made", made, "s"),
    figure("made_processor", processor, "s"),
    figure("made_peak_memory", memory, "MB"),
    figure("made_command_memory", commandMemory, "MB"),
    figure("status_p50_before", before.at(50), "ms"),
    figure("status_p99_before", before.at(99), "ms"),
    figure("status_p50_meanwhile", looks.at(50), "ms"),
    figure("status_p99_meanwhile", looks.at(99), "ms"),
    figure("again", again, "s"),
    figure("size", size / MEGABYTE, "MB"),
    figure("checked", checked, "s"),
    figure("checked_processor", checking.processorSeconds, "s"),
    figure("checked_memory", checking.peakMemoryMb, "MB"),
    ...(await proofs(ground, campaignId, issued, figure)),
  ];
}

/** The latencies of a caller of the same service, in ms, until it is stopped. */
function lookUntilStopped({ clients }: Ground, campaignId: string) {
  let stopped = false;
  async function look(): Promise<number[]> {
    const latencies: number[] = [];
    while (!stopped) {
      const [seconds] = await secondsOf(() => clients.coupons.getCampaignStatus({ campaignId }));
      latencies.push(1_000 * seconds);
      await sleep(LOOK_MS);
    }
    return latencies;
  }
  const looking = look();
  return {
    stop() {
      stopped = true;
      return looking;
    },
  };
}

/** Proofs of issuances far from each other, and of the same ones again. */
async function proofs(
  { clients, service }: Ground,
  campaignId: string,
  issued: number,
  figure: (what: string, value: number, unit: string) => Figure,
): Promise<Figure[]> {
  const users = Array.from({ length: PROOFS }, (_, n) => `user-${Math.floor(((n + 0.5) / PROOFS) * issued)}`);
  let largest = 0;
  async function prove(userId: string): Promise<number> {
    const [seconds, { proof }] = await secondsOf(() =>
      clients.coupons.getIssuanceProof({ campaignId, userId }),
    );
    if (proof === undefined || proof.rank === 0) throw new Trouble("there is no proof of an issuance");
    largest = Math.max(largest, toBinary(IssuanceProofSchema, proof).length);
    return 1_000 * seconds;
  }
  async function all(): Promise<{ readonly latencies: number[]; readonly processorMs: number }> {
    const processorBefore = cpuSeconds(service.pid);
    const latencies: number[] = [];
    for (const userId of users) latencies.push(await prove(userId));
    return { latencies, processorMs: (1_000 * (cpuSeconds(service.pid) - processorBefore)) / PROOFS };
  }
  const [first, second] = [await all(), await all()];
  return [
    figure("proof_size", largest, "B"),
    figure("proof_first_of_all", first.latencies[0] ?? 0, "ms"),
    figure("proof_first_of_chunk", median(first.latencies), "ms"),
    figure("proof_of_chunk_again", median(second.latencies), "ms"),
    figure("proof_first_processor", first.processorMs, "ms"),
    figure("proof_again_processor", second.processorMs, "ms"),
  ];
}
