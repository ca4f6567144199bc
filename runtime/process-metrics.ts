import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";
import { SHAPE_MAX } from "./stored-shape.ts";
import { productVersion } from "./version.ts";

/** Gauges whose names say that they are counters; the same without `_total` has the parts of each. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** What prom-client knows of any process of Node: memory, processor time, the event loop. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}

/** The clock of this process against that of Redis, in ms. */
export type MeasuredOffset = { readonly offsetMs: number; readonly uncertaintyMs: number };

/** What a process tells of itself; `clockOffset` is called with each measurement, undefined: it failed. */
export function addIdentity(registry: Registry) {
  const registers = [registry];
  new Gauge({
    name: "coupon_build_info",
    help: "1, with the version of the program and the newest stored shape that it understands.",
    labelNames: ["version", "shape"] as const,
    aggregator: "max",
    registers,
  }).set({ version: productVersion(), shape: String(SHAPE_MAX) }, 1);
  let last: MeasuredOffset | undefined;
  const offset = (name: string, help: string, read: (measured: MeasuredOffset) => number) =>
    new Gauge({
      ...{ name, help, registers },
      // Workers are on one machine.
      aggregator: "average",
      collect() {
        if (last === undefined) this.remove();
        else this.set(read(last) / 1_000);
      },
    });
  offset(
    "coupon_clock_offset_seconds",
    "How far the clock of this process is ahead of that of Redis, by the last heartbeat.",
    ({ offsetMs }) => offsetMs,
  );
  offset(
    "coupon_clock_offset_uncertainty_seconds",
    "The greatest error of coupon_clock_offset_seconds: half of a round trip.",
    ({ uncertaintyMs }) => uncertaintyMs,
  );
  return {
    clockOffset(measured: MeasuredOffset | undefined) {
      last = measured;
    },
  };
}
