import { MongoClient } from "mongodb";
import type { Stack } from "../../local/stack.ts";
import { openRawRedis, type RawRedis } from "./raw-redis.ts";
import { startStackAlone } from "./stack-alone.ts";

export const OWN_DATABASE = "own";

/** Stores that one test file may pause, kill and empty, with connections to read them. */
export type OwnStack = Pick<Stack, "redis" | "mongodb"> & {
  readonly env: { REDIS_URL: string; MONGODB_URL: string; MONGODB_DATABASE: string };
  readonly rawRedis: RawRedis;
  readonly mongo: MongoClient;
  close(): Promise<void>;
};

export async function startOwnStack(): Promise<OwnStack> {
  const { stack, end } = await startStackAlone();
  const rawRedis = await openRawRedis(stack.redis.url);
  const mongo = new MongoClient(stack.mongodb.url);
  return {
    redis: stack.redis,
    mongodb: stack.mongodb,
    env: {
      REDIS_URL: stack.redis.url,
      MONGODB_URL: stack.mongodb.url,
      MONGODB_DATABASE: OWN_DATABASE,
    },
    rawRedis,
    mongo,
    async close() {
      rawRedis.destroy();
      await mongo.close(true);
      await end();
    },
  };
}
