/**
 * Claims without the queues: the built pool and record, one call after the other. A POST makes one claim
 * behind Node's own http; a GET of `/direct?campaign=ID&seconds=N` makes claims in a loop without HTTP and
 * returns the time of each, in ms; a GET of `/batches?campaign=ID&seconds=N&size=N&underWay=N` makes them in
 * batches of one size without HTTP, so many under way at once, and returns how many they were in how many ms.
 * Stores in the environment, the folder of the built product as argument. Prints `ready PORT`.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Claim } from "../../pool/answers.ts";

const builtDir = process.argv[2] ?? "";
const built = <T>(file: string): Promise<T> => import(join(builtDir, file));
const { readConfig } = await built<typeof import("../../runtime/config.ts")>("runtime/config.js");
const { createLogger } = await built<typeof import("../../runtime/logger.ts")>("runtime/logger.js");
const { connectRedis } = await built<typeof import("../../pool/redis.ts")>("pool/redis.js");
const { createPool } = await built<typeof import("../../pool/pool.ts")>("pool/pool.js");
const { connectMongo } = await built<typeof import("../../record/mongo.ts")>("record/mongo.js");
const { createIssuances } = await built<typeof import("../../record/issuances.ts")>("record/issuances.js");
const { issuanceOf } =
  await built<typeof import("../../campaign/claim-record.ts")>("campaign/claim-record.js");

/** As in the service: no caller waits for the removal of ledger entries. */
const SETTLE_GATHER_MS = 10;
const SETTLED_MAX = 1_000;

const config = readConfig(process.env);
const connectWithinMs = config.START_DEADLINE_MS;
const logger = createLogger({ level: "warn", format: "json" });
const redis = await connectRedis({ url: config.REDIS_URL, connectWithinMs, logger });
const { db } = await connectMongo({
  url: config.MONGODB_URL,
  database: config.MONGODB_DATABASE,
  connectWithinMs,
  operationMs: config.COMMIT_DEADLINE_MS,
});
const pool = createPool(redis, config.STORE_DEADLINE_MS);
const issuances = createIssuances(db);
let durable: Claim[] = [];

/** One coupon for each claim key, durable. */
async function claimAll(campaignId: string, claimKeys: readonly string[]): Promise<Claim[]> {
  const asks = claimKeys.map((claimKey) => ({ claimKey, userId: "" }));
  const claims = (await pool.claim(campaignId, Date.now(), asks)).map((answer) => {
    if (answer.kind !== "claimed") throw new Error(`no coupon: ${answer.kind}`);
    return answer.claim;
  });
  for (const outcome of await issuances.insert(claims.map(issuanceOf)))
    if (outcome.kind !== "durable") throw new Error(`not durable: ${outcome.kind}`);
  if (durable.length === 0) setTimeout(settle, SETTLE_GATHER_MS);
  for (const claim of claims) durable.push(claim);
  return claims;
}

async function claim(campaignId: string, claimKey: string): Promise<Claim> {
  const [coupon] = await claimAll(campaignId, [claimKey]);
  if (coupon === undefined) throw new Error("a claim key without an answer");
  return coupon;
}

function settle(): void {
  const settled = durable;
  durable = [];
  const [first] = settled;
  if (first === undefined) return;
  for (let from = 0; from < settled.length; from += SETTLED_MAX) {
    const seqs = settled.slice(from, from + SETTLED_MAX).map(({ seq }) => seq);
    void pool.settle(first.campaignId, first.generation, seqs);
  }
}

async function direct(campaignId: string, seconds: number): Promise<number[]> {
  const tookMs: number[] = [];
  const startedAtMs = performance.now();
  for (let nowMs = startedAtMs; nowMs - startedAtMs < seconds * 1_000; ) {
    await claim(campaignId, `direct-${process.pid}-${startedAtMs}-${tookMs.length}`);
    const endedAtMs = performance.now();
    tookMs.push(endedAtMs - nowMs);
    nowMs = endedAtMs;
  }
  return tookMs;
}

/** How many claims were made, and in how many ms. */
async function batches(
  campaignId: string,
  { seconds, size, underWay }: Record<"seconds" | "size" | "underWay", number>,
): Promise<[number, number]> {
  const startedAtMs = performance.now();
  let claims = 0;
  const work = async (worker: number) => {
    for (let batch = 0; performance.now() - startedAtMs < seconds * 1_000; batch++) {
      const prefix = `batch-${process.pid}-${startedAtMs}-${worker}-${batch}`;
      await claimAll(
        campaignId,
        Array.from({ length: size }, (_, i) => `${prefix}-${i}`),
      );
      claims += size;
    }
  };
  await Promise.all(Array.from({ length: underWay }, (_, worker) => work(worker)));
  return [claims, performance.now() - startedAtMs];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** The answer to a POST is as long as the service's own. */
async function answer(request: IncomingMessage): Promise<unknown> {
  if (request.method === "GET") {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://here");
    const campaignId = searchParams.get("campaign") ?? "";
    const numberOf = (name: string) => Number(searchParams.get(name));
    const seconds = numberOf("seconds");
    return pathname === "/batches"
      ? batches(campaignId, { seconds, size: numberOf("size"), underWay: numberOf("underWay") })
      : direct(campaignId, seconds);
  }
  const { campaignId, userId } = JSON.parse(await bodyOf(request)) as { campaignId: string; userId: string };
  const { code, seq, issuedAtMs } = await claim(campaignId, userId);
  return { coupon: { code, campaignId, seq, issuedAt: new Date(issuedAtMs).toISOString() } };
}

const server = createServer((request, response) => {
  const send = (status: number, body: string) =>
    response
      .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
      .end(body);
  answer(request).then(
    (told) => send(200, JSON.stringify(told)),
    (error: unknown) => send(500, JSON.stringify({ message: String(error) })),
  );
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);
});
