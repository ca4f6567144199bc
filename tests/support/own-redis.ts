import { startRedis } from "../../local/redis-server.ts";
import type { Store } from "../../local/store.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { openRawRedis, type RawRedis } from "./raw-redis.ts";
import { silentLogger } from "./shared-stores.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** A Redis for one test, which may kill, flush and fill it. */
export type OwnRedis = {
  readonly store: Store;
  readonly redis: Redis;
  readonly pool: Pool;
  readonly raw: RawRedis;
  /** Kills it with SIGKILL, starts it on the same data, waits until both clients are connected again. */
  crash(): Promise<void>;
  close(): Promise<void>;
};

export async function ownRedis(): Promise<OwnRedis> {
  const dir = temporaryDir();
  const store = await startRedis({ dir: dir.path });
  const redis = await connectRedis({ url: store.url, connectWithinMs: 10_000, logger: silentLogger });
  const raw = await openRawRedis(store.url);
  return {
    store,
    redis,
    pool: createPool(redis, 5_000),
    raw,
    async crash() {
      const gone = lost(raw);
      await store.kill();
      await gone;
      await store.start();
      await answering(redis, raw);
    },
    async close() {
      raw.destroy();
      await redis.close();
      await store.stop();
      dir.remove();
    },
  };
}

/** Resolves when the client has noticed that its connection is lost. */
function lost(raw: RawRedis): Promise<void> {
  return new Promise((resolve) => void raw.once("error", () => resolve()));
}

async function answering(redis: Redis, raw: RawRedis): Promise<void> {
  const pool = createPool(redis, 1_000);
  for (let left = 400; left > 0; left--) {
    try {
      await pool.inspect("any");
      await raw.ping();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  throw new Error("Redis does not answer again");
}
