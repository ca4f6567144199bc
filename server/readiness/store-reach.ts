import type { Clock } from "../../runtime/clock.ts";

export const STORES = ["redis", "mongodb"] as const;
export type StoreName = (typeof STORES)[number];

/** Whether this process reaches the stores, by the calls that its heartbeats make. */
export type StoreReach = {
  /** Makes a call of a store, and notes how it ends. */
  ask<T>(store: StoreName, call: () => Promise<T>): Promise<T>;
  /** undefined: it reaches the store; else since its last success, in ms. */
  lostMs(store: StoreName): number | undefined;
};

/** A call that has no answer after this counts as failed: some end much later. */
const SILENT_MS = 3_000;

type Seen = { reachedAtMs: number; hasFailed: boolean; askedAtMs: number | undefined };

/** A process that starts has reached both stores. */
export function createStoreReach(clock: Pick<Clock, "elapsed">): StoreReach {
  const fresh = (): Seen => ({ reachedAtMs: clock.elapsed(), hasFailed: false, askedAtMs: undefined });
  const seen: Record<StoreName, Seen> = { redis: fresh(), mongodb: fresh() };

  return {
    async ask(store, call) {
      const one = seen[store];
      one.askedAtMs = clock.elapsed();
      try {
        const answer = await call();
        one.reachedAtMs = clock.elapsed();
        one.hasFailed = false;
        return answer;
      } catch (error) {
        one.hasFailed = true;
        throw error;
      } finally {
        one.askedAtMs = undefined;
      }
    },
    lostMs(store) {
      const { reachedAtMs, hasFailed, askedAtMs } = seen[store];
      const isSilent = askedAtMs !== undefined && clock.elapsed() - askedAtMs > SILENT_MS;
      return hasFailed || isSilent ? clock.elapsed() - reachedAtMs : undefined;
    },
  };
}
