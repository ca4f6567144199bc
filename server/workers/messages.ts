import type { Worker } from "node:cluster";
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { ListenerAddresses } from "../../runtime/listeners.ts";

/** The metrics of one process, as prom-client writes them down. */
export type MetricsPart = readonly MetricObjectWithValues<MetricValue<string>>[];

/**
 * Why a worker could not start. Known: the person who started it can correct that, and `told` is one line;
 * else `told` is a stack trace.
 */
export type StartTrouble = { readonly known: boolean; readonly told: string; readonly exitCode: number };

/** The messages of a worker to the primary. `ask`: the number of a request, which its answer repeats. */
export type FromWorker =
  | { readonly kind: "ready"; readonly addresses: ListenerAddresses }
  | { readonly kind: "failed"; readonly trouble: StartTrouble }
  | { readonly kind: "page-wanted"; readonly ask: number }
  | { readonly kind: "metrics"; readonly ask: number; readonly part: MetricsPart };

/** The messages of the primary to a worker. */
export type ToWorker =
  | { readonly kind: "end"; readonly hurried: boolean }
  | { readonly kind: "metrics-wanted"; readonly ask: number }
  | { readonly kind: "page"; readonly ask: number; readonly text: string };

export function tell(worker: Worker, message: ToWorker): void {
  // A worker that has ended needs no message.
  if (worker.isConnected()) worker.send(message, undefined, undefined, () => undefined);
}
