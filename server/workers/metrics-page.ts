import type { Registry } from "prom-client";

/** Makes the page that /metrics answers with; `own` reads the metrics of this process. */
export type MetricsPage = (own: () => Registry) => () => Promise<string>;
