import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Clock } from "./clock.ts";

export const STORES = ["redis", "mongodb"] as const;
export type StoreName = (typeof STORES)[number];

/** Whether a store answers this process, by what its heartbeat met. */
export type StoreAnswers = {
  asked(store: StoreName): void;
  answered(store: StoreName): void;
  failed(store: StoreName): void;
};

/** What the connection to Redis reports of itself. */
export type RedisNotes = {
  /** A connection was lost, or a place stopped answering. */
  lost(): void;
  /** Another client has taken the place of the one in use. */
  replaced(): void;
};

/** How many commands are not answered yet, and how many parts of Redis do not answer. */
export type RedisSizes = () => { readonly commands: number; readonly inTrouble: number };

/** A question without an answer for longer counts as failed: some end much later. */
const SILENT_MS = 5_000;
const WAIT_SECONDS = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8];

export type StoreMetrics = ReturnType<typeof createStoreMetrics>;

export function createStoreMetrics(registry: Registry, clock: Pick<Clock, "elapsed">) {
  const registers = [registry];
  /** How the last question ended; only of stores that were asked. */
  const hasAnswered = new Map<StoreName, boolean>();
  /** Since when a question waits. A heartbeat that hangs at one store says nothing of the other. */
  const askedAtMs = new Map<StoreName, number>();
  new Gauge({
    name: "coupon_store_up",
    help: "1 while a store answers the heartbeat of this process, else 0: redis reads its clock, mongodb takes a write.",
    labelNames: ["store"] as const,
    // One worker that a store does not answer is a fault.
    aggregator: "min",
    registers,
    collect() {
      this.reset();
      for (const [store, isUp] of hasAnswered) {
        const waitedMs = clock.elapsed() - (askedAtMs.get(store) ?? clock.elapsed());
        this.set({ store }, isUp && waitedMs <= SILENT_MS ? 1 : 0);
      }
    },
  });
  const storeAnswers: StoreAnswers = {
    asked(store) {
      askedAtMs.set(store, clock.elapsed());
    },
    answered(store) {
      hasAnswered.set(store, true);
      askedAtMs.delete(store);
    },
    failed(store) {
      hasAnswered.set(store, false);
      askedAtMs.delete(store);
    },
  };
  /** Collected when the page is made. */
  function redisSizes(sizes: RedisSizes): void {
    new Gauge({
      name: "coupon_redis_commands_under_way",
      help: "Commands to Redis that are queued in the client or not answered yet.",
      registers,
      collect() {
        this.set(sizes().commands);
      },
    });
    new Gauge({
      name: "coupon_redis_places_in_trouble",
      help: "Parts of Redis that do not answer: 1 for a server, in a cluster one for each campaign concerned.",
      aggregator: "max",
      registers,
      collect() {
        this.set(sizes().inTrouble);
      },
    });
  }
  return {
    storeAnswers,
    redisSizes,
    mongoConnections: new Gauge({
      name: "coupon_mongodb_connections",
      help: "Connections of the driver's pools by state: used by an operation, or idle.",
      labelNames: ["state"] as const,
      registers,
    }),
    mongoWaiting: new Gauge({
      name: "coupon_mongodb_operations_waiting",
      help: "Operations that wait for a connection of the driver's pools.",
      registers,
    }),
    mongoConnectionsMax: new Gauge({
      name: "coupon_mongodb_connections_limit",
      help: "How many connections a pool of the driver may have; there is one pool for each node.",
      registers,
    }),
    mongoWaitSeconds: new Histogram({
      name: "coupon_mongodb_connection_wait_seconds",
      help: "Time that an operation waited for a connection of the driver's pools.",
      buckets: WAIT_SECONDS,
      registers,
    }),
    mongoOpened: new Counter({
      name: "coupon_mongodb_connections_opened_total",
      help: "Connections that the driver opened for operations.",
      registers,
    }),
    mongoClosed: new Counter({
      name: "coupon_mongodb_connections_closed_total",
      help: "Connections that the driver closed, by its reason.",
      labelNames: ["reason"] as const,
      registers,
    }),
    mongoWaitsFailed: new Counter({
      name: "coupon_mongodb_connection_waits_failed_total",
      help: "Operations that got no connection of the driver's pools, by its reason.",
      labelNames: ["reason"] as const,
      registers,
    }),
    redisLost: new Counter({
      name: "coupon_redis_connections_lost_total",
      help: "Connections to Redis that were lost, or on which no answer came.",
      registers,
    }),
    redisReplaced: new Counter({
      name: "coupon_redis_reconnects_total",
      help: "Clients of Redis that took the place of one in trouble.",
      registers,
    }),
  };
}
