import { randomUUID } from "node:crypto";
import type { Db, MongoClient } from "mongodb";
import { type Stack, startStack } from "../../local/stack.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { connectMongo } from "../../record/mongo.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type StackAlone, startStackAlone } from "./stack-alone.ts";

/** Set by the run for its workers: the data folder of the stores that the run itself has started. */
const STORES_DIR = "TEST_STORES_DIR";

/**
 * One real Redis and one real MongoDB for the whole test run, started when the first test asks; the workers
 * of a parallel run join those of the run. Tests keep apart by database name and campaign id; a test that
 * kills or floods a store starts its own.
 */
let shared: Promise<StackAlone> | undefined;
/**
 * One connection for all of them: the start of one takes a quarter of a second, which is for the tests of the
 * start to spend.
 */
let sharedRedis: Promise<Redis> | undefined;

export async function sharedStack(): Promise<Stack> {
  shared ??= openShared();
  return (await shared).stack;
}

async function openShared(): Promise<StackAlone> {
  const ofTheRun = process.env[STORES_DIR];
  if (ofTheRun === undefined) return startStackAlone();
  const stack = await startStack({ dataDir: ofTheRun, join: true });
  return { stack, end: () => stack.stop() };
}

/** Starts the stores before the workers of a parallel run, which join them. */
export async function startSharedStack(): Promise<void> {
  process.env[STORES_DIR] = (await sharedStack()).dataDir;
}

/** One that only joined them closes its connection alone: they are the run's to stop. */
export async function stopSharedStack(): Promise<void> {
  const redis = sharedRedis;
  sharedRedis = undefined;
  await (await redis)?.close();
  const opened = await shared;
  if (opened === undefined || opened.stack.joined) return;
  shared = undefined;
  await opened.end();
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
  const { stack, end } = await startStackAlone();
  const redis = await connectTo(stack);
  const { close, ...stores } = await openOn(stack, redis);
  return {
    ...stores,
    async close() {
      await close();
      await redis.close();
      await end();
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
