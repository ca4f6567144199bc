import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { toBinary } from "@bufbuild/protobuf";
import { MongoClient } from "mongodb";
import { IssuanceProofSchema } from "../../proto/gen/coupon/v1/proof_pb.ts";
import type { CouponDoc, IssuanceDoc } from "../../record/documents.ts";
import { certificateText, verify } from "../certificate-file.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { forgetPeakMemory, type Ground, peakMemoryMb } from "./ground.ts";

const ISSUED = 1_000_000;
const BATCH = 10_000;
const MEGABYTE = 1_000_000;
const userOf = (n: number) => `user-${String(n).padStart(7, "0")}`;

/** Writes an issuance for each code, directly into MongoDB: a sale of a million takes minutes. */
async function issueAll({ mongodb }: Ground, campaignId: string, signal: AbortSignal): Promise<void> {
  const client = new MongoClient(mongodb.url, { writeConcern: { w: 1 } });
  try {
    const db = client.db(mongodb.database);
    const issuances = db.collection<IssuanceDoc>("issuances");
    for (let first = 0; first < ISSUED; first += BATCH) {
      signal.throwIfAborted();
      const ordinal = { $gte: first, $lt: first + BATCH };
      const coupons = await db.collection<CouponDoc>("coupons").find({ campaignId, ordinal }).toArray();
      const docs = coupons.map(({ _id, ordinal: at }): IssuanceDoc => {
        const issuedAt = new Date(Date.now());
        return { _id, campaignId, claimKey: userOf(at), generation: 1, seq: at + 1, issuedAt };
      });
      await issuances.insertMany(docs, { ordered: false });
    }
  } finally {
    await client.close();
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return (performance.now() - startedAtMs) / 1_000;
}

export const certificate: Benchmark = {
  name: "certificate",
  what: "a certificate of a million issuances: seconds, bytes and memory to make it, to ask for it again, and to check it; one proof",
  effort: { rounds: 1, seconds: 1 },
  async run(context) {
    const dir = await mkdtemp(join(tmpdir(), "coupon-certificate-"));
    try {
      return { figures: await measure(context, join(dir, "certificate.jsonl")) };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function measure({ ground, signal }: BenchmarkContext, file: string) {
  const { campaigns, coupons } = ground.clients;
  const { pid } = ground.service;
  const campaignId = await campaignIn(ground, "scheduled", ISSUED, signal);
  await issueAll(ground, campaignId, signal);
  // Its issue order is final then.
  await campaigns.cancelCampaign({ campaignId });

  const text = () => certificateText({ campaigns }, campaignId, signal);
  const write = () => secondsOf(() => pipeline(text, createWriteStream(file)));
  forgetPeakMemory(pid);
  const made = await write();
  const memory = peakMemoryMb(pid);
  const again = await write();
  const { size } = await stat(file);
  const checked = await secondsOf(async () => {
    const verdict = await verify(file);
    if (!verdict.ok) throw new Trouble(`the certificate is refused: ${JSON.stringify(verdict.findings)}`);
  });
  const { proof } = await coupons.getIssuanceProof({ campaignId, userId: userOf(ISSUED / 2) });
  if (proof === undefined || proof.rank === 0) throw new Trouble("there is no proof of an issuance");
  return [
    { name: "certificate_million_made", value: made, unit: "s" },
    { name: "certificate_million_again", value: again, unit: "s" },
    { name: "certificate_million_checked", value: checked, unit: "s" },
    { name: "certificate_million_size", value: size / MEGABYTE, unit: "MB" },
    { name: "certificate_million_peak_memory", value: memory, unit: "MB" },
    { name: "certificate_proof_size", value: toBinary(IssuanceProofSchema, proof).length, unit: "B" },
  ];
}
