import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Db, MongoClient } from "mongodb";
import { type Stack, startStack } from "../../local/stack.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { connectMongo } from "../../record/mongo.ts";
import { createLogger } from "../../runtime/logger.ts";

/** Set by the run for its workers: the data folder of the stores that the run itself has started. */
const STORES_DIR = "TEST_STORES_DIR";

/**
 * One real Redis and one real MongoDB for the whole test run, started when the first test asks; the workers
 * of a parallel run join those of the run. Tests keep apart by database name and campaign id; a test that
 * kills or floods a store starts its own.
 */
let shared: Promise<{ stack: Stack; remove(): Promise<void> }> | undefined;
/**
 * One connection for all of them: the start of one takes a quarter of a second, which is for the tests of the
 * start to spend.
 */
let sharedRedis: Promise<Redis> | undefined;

/** The run itself has set it, too, but for those that it starts. */
const isWorker = (): boolean => process.env["MOCHA_WORKER_ID"] !== undefined;

export async function sharedStack(): Promise<Stack> {
  shared ??= openShared();
  return (await shared).stack;
}

async function openShared() {
  const ofTheRun = process.env[STORES_DIR];
  if (ofTheRun !== undefined && isWorker()) {
    return { stack: await startStack({ dataDir: ofTheRun, join: true }), remove: async () => {} };
  }
  const dir = await mkdtemp(join(tmpdir(), "coupon-tests-"));
  const stack = await startStack({ dataDir: dir, join: false });
  return { stack, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** Starts the stores before the workers of a parallel run, which join them. */
export async function startSharedStack(): Promise<void> {
  process.env[STORES_DIR] = (await sharedStack()).dataDir;
}

/** A worker, which only joined them, closes its connection alone: they are the run's to stop. */
export async function stopSharedStack(): Promise<void> {
  const redis = sharedRedis;
  sharedRedis = undefined;
  await (await redis)?.close();
  if (isWorker()) return;
  const opened = shared;
  shared = undefined;
  if (opened === undefined) return;
  const { stack, remove } = await opened;
  await stack.stop();
  await remove();
}

export const silentLogger = createLogger({ level: "silent", format: "json" });

/** The shared stores as the product connects them, with a MongoDB database of its own. */
export type TestStores = {
  readonly redis: Redis;
  readonly pool: Pool;
  readonly client: MongoClient;
  readonly db: Db;
  readonly env: { REDIS_URL: string; MONGODB_URL: string; MONGODB_DATABASE: string };
};

/** `close` gives back what is not shared. */
export type OpenedStores = TestStores & { close(): Promise<void> };

const connectTo = (stack: Stack) =>
  connectRedis({ url: stack.redis.url, connectWithinMs: 10_000, logger: silentLogger });

export async function openStores(): Promise<OpenedStores> {
  const stack = await sharedStack();
  sharedRedis ??= connectTo(stack);
  return openOn(stack, await sharedRedis);
}

/** Not shared with any other test: for one that compares all that is in them. */
export async function openStoresAlone(): Promise<OpenedStores> {
  const dir = await mkdtemp(join(tmpdir(), "coupon-alone-"));
  const stack = await startStack({ dataDir: dir, join: false });
  const redis = await connectTo(stack);
  const { close, ...stores } = await openOn(stack, redis);
  return {
    ...stores,
    async close() {
      await close();
      await redis.close();
      await stack.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function openOn(stack: Stack, redis: Redis): Promise<OpenedStores> {
  const database = `test-${randomUUID().slice(0, 13)}`;
  const { client, db } = await connectMongo({
    url: stack.mongodb.url,
    database,
    connectWithinMs: 10_000,
    operationMs: 10_000,
  });
  return {
    redis,
    pool: createPool(redis, 10_000),
    client,
    db,
    env: { REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: database },
    async close() {
      await db.dropDatabase();
      await client.close();
    },
  };
}
