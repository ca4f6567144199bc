import { createServer } from "node:http";
import type { Request, Response } from "express";
import { systemClock } from "../../runtime/clock.ts";
import type { Config } from "../../runtime/config.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";
import { createBareApp } from "./bare-app.ts";
import { prepareHttpDrain } from "./drain.ts";
import { createInFlight } from "./in-flight.ts";
import { listen, urlOf } from "./listen.ts";
import { refuseSeveralHosts } from "./one-host.ts";
import { addPages } from "./pages.ts";

/**
 * The port of the pages unless HEALTH_PORT is set; where it is taken, a process uses any free port.
 */
export const HEALTH_PORT_DEFAULT = 8_090;
/** A page is small: a reader that takes longer is cut. */
const DRAIN_PATIENCE_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 100;

export type HealthDeps = {
  config: Pick<Config, "HOST" | "HEALTH_PORT">;
  logger: Logger;
  metrics: Metrics;
  lifecycle: Lifecycle;
};

export type Health = {
  /** Base URL of the pages. */
  readonly url: string;
  /** From now on /readyz answers 200: the roles are started. */
  started(): void;
};

/**
 * Serves /healthz, /readyz and /metrics of a process without the server role. Must be called before any other
 * resource is taken: then a taken port is reported at once, /readyz answers 503 while the stores are being
 * connected, and the pages are released last, so that a drain can be watched to its end.
 * @throws UserError when HEALTH_PORT was given and is taken
 */
export async function serveHealth({ config, logger, metrics, lifecycle }: HealthDeps): Promise<Health> {
  let isStarted = false;
  const app = createBareApp();
  addPages(app, {
    ...{ logger, metrics, clock: systemClock },
    readiness: () => (lifecycle.releasing() ? "draining" : isStarted ? "ready" : "starting"),
    metricsPage: () => metrics.registry.metrics(),
  });
  app.use(({ method, path }: Request, response: Response) => {
    const message = `${method} ${path} is not served here: this process has no server role`;
    response.status(404).json({ code: "unimplemented", message });
  });
  const inFlight = createInFlight();
  const http = createServer(
    { headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, noDelay: true },
    inFlight.counting(refuseSeveralHosts(app)),
  );
  http.maxConnections = CONNECTIONS_MAX;
  const drain = prepareHttpDrain(http, inFlight, systemClock);

  async function listenSomewhere(): Promise<number> {
    if (config.HEALTH_PORT !== undefined) return listen(http, config.HOST, config.HEALTH_PORT, "HEALTH_PORT");
    try {
      return await listen(http, config.HOST, HEALTH_PORT_DEFAULT, "HEALTH_PORT");
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode !== EXIT.portTaken) throw error;
      const taken = await listen(http, config.HOST, 0, "HEALTH_PORT");
      logger.info(
        { port: taken },
        `port ${HEALTH_PORT_DEFAULT} is taken: the health pages are on ${taken} (HEALTH_PORT sets it)`,
      );
      return taken;
    }
  }

  const port = await listenSomewhere();
  lifecycle.onRelease("health pages", () => drain({ patienceMs: DRAIN_PATIENCE_MS, idleMs: 0 }));
  return {
    url: urlOf(config.HOST, port),
    started() {
      isStarted = true;
    },
  };
}
