import type { MetricObjectWithValues, MetricValue } from "prom-client";

/** Where the whole group can be reached. */
export type GroupAddresses = { readonly http: string; readonly grpc: string };

/** The metrics of one process, as prom-client writes them down. */
export type MetricsPart = readonly MetricObjectWithValues<MetricValue<string>>[];

/**
 * Why a worker could not start. Known: its user can mend it, and the words are one line; else they are a
 * stack trace.
 */
export type StartTrouble = { readonly known: boolean; readonly told: string; readonly exitCode: number };

/** What a worker tells the primary. `ask` numbers a question, so that answers find it. */
export type FromWorker =
  | { readonly kind: "ready"; readonly addresses: GroupAddresses }
  | { readonly kind: "failed"; readonly trouble: StartTrouble }
  | { readonly kind: "page-wanted"; readonly ask: number }
  | { readonly kind: "metrics"; readonly ask: number; readonly part: MetricsPart };

/** What the primary tells a worker. */
export type ToWorker =
  | { readonly kind: "end"; readonly hurried: boolean }
  | { readonly kind: "metrics-wanted"; readonly ask: number }
  | { readonly kind: "page"; readonly ask: number; readonly text: string };
