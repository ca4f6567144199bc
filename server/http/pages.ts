import type { Express } from "express";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { createPaced } from "../../runtime/paced.ts";

export type Readiness = "starting" | "ready" | "draining";

export type PagesDeps = {
  logger: Logger;
  metrics: Metrics;
  clock: Clock;
  /** Ready: the process takes requests, or does the work of its roles. */
  readiness: () => Readiness;
  /** The text that /metrics answers with. */
  metricsPage: () => Promise<string>;
};

/** The pages that a supervisor asks for: they never wait behind other requests. */
export const PROBES = ["/healthz", "/readyz"] as const;

/** The page of metrics is dear: it costs as much as hundreds of claims. */
const METRICS_EVERY_MS = 1_000;

/**
 * The pages that every process has. Healthy: its event loop runs. Ready: its roles are started and it is not
 * about to end. Neither page asks a store: when a shared store fails for a moment, taking every replica out
 * at once would turn a pause into an outage; requests are refused as `unavailable` meanwhile.
 */
export function addPages(app: Express, { logger, metrics, clock, readiness, metricsPage }: PagesDeps): void {
  const pacedPage = createPaced(metricsPage, METRICS_EVERY_MS, clock);
  app.get("/healthz", (_, response) => void response.json({ status: "ok" }));
  app.get("/readyz", (_, response) => {
    const status = readiness();
    response.status(status === "ready" ? 200 : 503).json({ status });
  });
  app.get("/metrics", async (_, response) => {
    try {
      const page = await pacedPage();
      response.type(metrics.registry.contentType).send(page);
    } catch (error) {
      logger.warn({ err: error }, "no metrics page");
      response.status(503).json({ code: "unavailable", message: "the metrics cannot be collected now" });
    }
  });
}
