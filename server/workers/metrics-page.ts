import type { Registry } from "prom-client";

/** Makes the page that /metrics answers, given how to read this process' own metrics. */
export type MetricsPage = (own: () => Registry) => () => Promise<string>;
