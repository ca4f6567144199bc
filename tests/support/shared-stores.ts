import { randomUUID } from "node:crypto";
import type { Db, MongoClient } from "mongodb";
import { type Stack, startStack } from "../../local/stack.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { connectMongo } from "../../record/mongo.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type StackAlone, startStackAlone } from "./stack-alone.ts";

/** Set by the test run for its workers: the data folder of the stores that it has started. */
const STORES_DIR = "TEST_STORES_DIR";

/**
 * One real Redis and one real MongoDB for the whole test run, started when the first test needs them; the
 * workers of a parallel run join the stores of that run. Database names and campaign ids keep tests apart; a
 * test that kills or floods a store starts its own.
 */
let shared: Promise<StackAlone> | undefined;
/**
 * One connection for all tests of a process: it takes a quarter of a second to connect, and only the tests of
 * the start need to do so.
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

/** Starts the stores before the workers of a parallel run start and join them. */
export async function startSharedStack(): Promise<void> {
  process.env[STORES_DIR] = (await sharedStack()).dataDir;
}

/** A worker that joined the stores closes only its connection: the test run stops the stores. */
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

/** The shared stores with the product's connections, and a MongoDB database of its own. */
export type TestStores = {
  readonly redis: Redis;
  readonly pool: Pool;
  readonly client: MongoClient;
  readonly db: Db;
  readonly env: { REDIS_URL: string; MONGODB_URL: string; MONGODB_DATABASE: string };
};

/** `close` releases all that is not shared. */
export type OpenedStores = TestStores & { close(): Promise<void> };

const connectTo = (stack: Stack) =>
  connectRedis({ url: stack.redis.url, connectWithinMs: 10_000, logger: silentLogger });

export async function openStores(): Promise<OpenedStores> {
  const stack = await sharedStack();
  sharedRedis ??= connectTo(stack);
  return openOn(stack, await sharedRedis);
}

/** Stores for one test only: for a test that compares their whole contents. */
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
