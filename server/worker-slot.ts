import type { MetricsPage } from "./workers/metrics-page.ts";

/** What a process is given by the one that starts it, apart from its settings. */
export type WorkerSlot = {
  /** The number of a worker slot; undefined: a process without workers. */
  readonly worker: number | undefined;
  /** What /metrics answers with. */
  readonly metricsPage: MetricsPage;
  /** Of the operators' key that was made at the start; undefined: their credentials are configured. */
  readonly localKeySha256: string | undefined;
};

/** A process without workers. */
export const alone = (localKeySha256?: string): WorkerSlot => ({
  worker: undefined,
  metricsPage: (own) => () => own().metrics(),
  localKeySha256,
});
