import type { MongoClient } from "mongodb";
import type { StoreMetrics } from "../runtime/store-metrics.ts";

/** The pool of one node. */
type Counts = { open: number; used: number; waiting: number };

/**
 * Counts what the driver tells of its pools, one for each node. Call it before the client connects: the
 * driver tells changes only. A pool that is closed takes its counts with it, so that a connection that never
 * returned does not count for ever.
 */
export function watchMongoPools(client: MongoClient, poolMax: number, metrics: StoreMetrics): void {
  const pools = new Map<string, Counts>();
  metrics.mongoConnectionsMax.set(poolMax);

  function countsOf(address: string): Counts {
    const known = pools.get(address);
    if (known !== undefined) return known;
    const counts = { open: 0, used: 0, waiting: 0 };
    pools.set(address, counts);
    return counts;
  }

  function change(address: string, what: keyof Counts, by: 1 | -1): void {
    // After its pool was closed, a connection may still be returned.
    if (by < 0 && !pools.has(address)) return;
    const counts = countsOf(address);
    counts[what] = Math.max(0, counts[what] + by);
    tell();
  }

  function tell(): void {
    let [open, used, waiting] = [0, 0, 0];
    for (const counts of pools.values()) {
      open += counts.open;
      used += counts.used;
      waiting += counts.waiting;
    }
    metrics.mongoConnections.set({ state: "used" }, used);
    metrics.mongoConnections.set({ state: "idle" }, Math.max(0, open - used));
    metrics.mongoWaiting.set(waiting);
  }

  client.on("connectionCreated", ({ address }) => {
    metrics.mongoOpened.inc();
    change(address, "open", 1);
  });
  client.on("connectionClosed", ({ address, reason }) => {
    metrics.mongoClosed.inc({ reason });
    change(address, "open", -1);
  });
  client.on("connectionCheckOutStarted", ({ address }) => change(address, "waiting", 1));
  client.on("connectionCheckedOut", ({ address, durationMS }) => {
    metrics.mongoWaitSeconds.observe(durationMS / 1_000);
    change(address, "waiting", -1);
    change(address, "used", 1);
  });
  client.on("connectionCheckOutFailed", ({ address, reason }) => {
    metrics.mongoWaitsFailed.inc({ reason });
    change(address, "waiting", -1);
  });
  client.on("connectionCheckedIn", ({ address }) => change(address, "used", -1));
  client.on("connectionPoolClosed", ({ address }) => {
    pools.delete(address);
    tell();
  });
}
