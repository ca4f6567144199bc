import type { RequestListener } from "node:http";
import type { Request, Response } from "express";
import { systemClock } from "../../runtime/clock.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";
import type { Readiness } from "../readiness/readiness.ts";
import { createBareApp } from "./bare-app.ts";
import { createCallTraces } from "./call-traces.ts";
import type { NoteCut } from "./connection-gate.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { prepareHttpDrain } from "./drain.ts";
import { expressClasses } from "./express-classes.ts";
import { createHttp1Server } from "./http1-server.ts";
import { createInFlight, IN_FLIGHT_LIMITS } from "./in-flight.ts";
import { type ListenAt, listen, urlOf } from "./listen.ts";
import { refuseSeveralHosts } from "./one-host.ts";
import { addPages } from "./pages.ts";

/**
 * The port of the pages unless HEALTH_PORT is set; where it is taken, a process uses any free port.
 */
export const HEALTH_PORT_DEFAULT = 8_090;
/** A page is small: a reader that takes longer is cut. */
const DRAIN_PATIENCE_MS = 1_000;
/** Probes ask seldom; most of them open a connection for each question. */
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 100;
/** So few that a caller who takes all of its own leaves room for the supervisor's. */
const CONNECTIONS_PER_SOURCE_MAX = 25;

export type HealthAt = Omit<ListenAt, "port"> & { readonly port: number | undefined };

export type HealthDeps = {
  /** Without a port: the default, or any free one where that is taken. */
  at: HealthAt;
  connections: Pick<ConnectionLimits, "perSourceMax" | "isProxy">;
  logger: Logger;
  metrics: Metrics;
  lifecycle: Lifecycle;
  readiness: Pick<Readiness, "status" | "checks">;
};

export type Health = {
  /** Base URL of the pages. */
  readonly url: string;
  /** /metrics has this page from now on. */
  setMetricsPage(metricsPage: () => Promise<string>): void;
};

/**
 * Serves /livez, /readyz and /metrics on a port of their own. Must be called before any other resource is
 * taken: then a taken port is reported at once, /readyz answers 503 while the stores are being
 * connected, and the pages are released last, so that a drain can be watched to its end.
 * @throws UserError when HEALTH_PORT was given and is taken
 */
export async function serveHealth(deps: HealthDeps): Promise<Health> {
  const { at, connections, logger, metrics, lifecycle } = deps;
  let page = () => metrics.registry.metrics();
  const app = createBareApp();
  addPages(app, {
    ...{ logger, metrics, clock: systemClock, readiness: deps.readiness },
    metricsPage: () => page(),
  });
  app.use(({ method, path }: Request, response: Response) => {
    const message = `${method} ${path} is not served here: this port has the health pages alone`;
    response.status(404).json({ code: "unimplemented", message });
  });
  const noteCut: NoteCut = (why) => metrics.cuts.inc({ why });
  const inFlight = createInFlight(IN_FLIGHT_LIMITS, () => noteCut("pipelining"));
  const traces = createCallTraces();
  const oneHost = refuseSeveralHosts(app);
  const named: RequestListener = (request, response) => {
    traces.name(request, response);
    oneHost(request, response);
  };
  const http = createHttp1Server(named, {
    limits: {
      most: CONNECTIONS_MAX,
      perSourceMax: Math.min(connections.perSourceMax, CONNECTIONS_PER_SOURCE_MAX),
      isProxy: connections.isProxy,
    },
    ...{ noteCut, inFlight, keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS, classes: expressClasses(app) },
  });
  const drain = prepareHttpDrain(http, inFlight, systemClock);

  async function listenSomewhere(): Promise<number> {
    const { port } = at;
    if (port !== undefined) return listen(http, { ...at, port });
    try {
      return await listen(http, { ...at, port: HEALTH_PORT_DEFAULT });
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode !== EXIT.portTaken) throw error;
      const taken = await listen(http, { ...at, port: 0 });
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
    url: urlOf(at.host, port),
    setMetricsPage(metricsPage) {
      page = metricsPage;
    },
  };
}
