import { Counter, Gauge, Registry } from "prom-client";
import { collectProcessMetrics } from "./process-metrics.ts";

/** The metrics of a process that starts workers, and serves nobody itself. */
export function createPrimaryMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  return {
    registry,
    workers: new Gauge({ name: "coupon_workers", help: "Workers that serve now.", registers }),
    deaths: new Counter({
      name: "coupon_worker_deaths_total",
      help: "Workers that ended although the service was not asked to end.",
      registers,
    }),
  };
}
