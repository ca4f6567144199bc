import { createPool } from "../../pool/pool.ts";
import { connectRedis } from "../../pool/redis.ts";
import { createLogger } from "../../runtime/logger.ts";
import { campaignIn } from "../rates/campaigns.ts";
import { cpuSeconds, type Ground } from "../rates/ground.ts";
import type { Seen } from "./costs.ts";

const SLOT_BATCHES = [1, 8, 64, 256] as const;
const LOOKS = 40_000;
const LOOKS_AT_ONCE = 50;

/** The pool's script alone, called with batches of each size; at the end the pool is sold out. */
export async function measureSlot(ground: Ground, signal: AbortSignal) {
  const redis = await connectRedis({
    ...{ url: ground.stores.REDIS_URL, connectWithinMs: 10_000 },
    logger: createLogger({ level: "silent", format: "json" }),
  });
  try {
    const pool = createPool(redis, 10_000);
    const total = 60_000;
    const campaignId = await campaignIn(ground, "open", total, signal);
    let users = 0;
    const callsOf = async (batch: number, items: number) => {
      const before = cpuSeconds(ground.pids.redis);
      for (let done = 0; done < items; done += batch) {
        const asks = Array.from({ length: batch }, () => ({ claimKey: `slot-${users++}`, userId: "" }));
        const answers = await pool.claim(campaignId, Date.now(), asks);
        const made = answers.flatMap((one) => ("claim" in one ? [one.claim] : []));
        const [first] = made;
        if (first !== undefined)
          await pool.settle(
            campaignId,
            first.generation,
            made.map(({ seq }) => seq),
          );
      }
      return ((cpuSeconds(ground.pids.redis) - before) * 1e6) / items;
    };
    const slot: Seen[] = [];
    for (const batch of SLOT_BATCHES) {
      const items = Math.min(12_000, batch * 1_500);
      slot.push({ batch, itemUs: await callsOf(batch, items) });
    }
    await callsOf(1_000, total);
    const redisRefusalUs = await callsOf(256, 200_000);
    const before = cpuSeconds(ground.pids.redis);
    for (let looked = 0; looked < LOOKS; looked += LOOKS_AT_ONCE)
      await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, () => pool.inspect(campaignId)));
    const lookUs = ((cpuSeconds(ground.pids.redis) - before) * 1e6) / LOOKS;
    return { slot, redisRefusalUs, lookUs };
  } finally {
    await redis.close();
  }
}
