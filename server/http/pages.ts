import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Express } from "express";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { createPaced } from "../../runtime/paced.ts";
import type { Check, Readiness } from "../readiness/readiness.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

export type PagesDeps = {
  logger: Logger;
  metrics: Metrics;
  clock: Clock;
  /** Ready: the process takes requests, or does the work of its roles. */
  readiness: Pick<Readiness, "status" | "checks">;
  /** The text that /metrics answers with. */
  metricsPage: () => Promise<string>;
};

/** The pages that a supervisor asks for: they never wait behind other requests. */
export const PROBES = ["/healthz", "/livez", "/livez?verbose", "/readyz", "/readyz?verbose"] as const;

/** The page of metrics is dear: it costs as much as hundreds of claims. */
const METRICS_EVERY_MS = 1_000;

const ALIVE: readonly Check[] = [{ name: "ping", trouble: undefined }];

/**
 * The pages that every process has. Alive: its event loop runs. Ready: its roles are started, it is not about
 * to end, and it is not isolated. No page asks a store: when a shared store fails for a moment, taking every
 * replica out at once would turn a pause into an outage; requests are refused as `unavailable` meanwhile.
 */
export function addPages(app: Express, { logger, metrics, clock, readiness, metricsPage }: PagesDeps): void {
  const pacedPage = createPaced(metricsPage, METRICS_EVERY_MS, clock);
  const probes = createProbes(readiness);
  app.use((request, response, next) => void (probes(request, response) || next()));
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

/** Answers a probe, over HTTP/1.1 and HTTP/2; false: it is another request. */
export function createProbes(
  readiness: PagesDeps["readiness"],
): (request: AnyRequest, response: AnyResponse) => boolean {
  return (request, response) => {
    const { method, url = "" } = request;
    if (method !== "GET" && method !== "HEAD") return false;
    const [path = "", query = ""] = url.split("?", 2);
    const isVerbose = path !== "/healthz" && new URLSearchParams(query).has("verbose");
    const send = (passed: boolean, status: string, checks: readonly Check[]): true => {
      const [type, body] = isVerbose
        ? ["text/plain", checksText(path.slice(1), passed, checks)]
        : ["application/json", JSON.stringify({ status })];
      // Both kinds of messages have what is used here.
      (response as ServerResponse).writeHead(passed ? 200 : 503, {
        ...{ "content-type": `${type}; charset=utf-8`, "content-length": Buffer.byteLength(body) },
      });
      (response as ServerResponse).end(method === "HEAD" ? undefined : body);
      return true;
    };
    if (path === "/healthz" || path === "/livez") return send(true, "ok", ALIVE);
    if (path !== "/readyz") return false;
    const status = readiness.status();
    return send(status === "ready", status, isVerbose ? readiness.checks() : []);
  };
}

/** In the form of Kubernetes' own pages. */
function checksText(page: string, passed: boolean, checks: readonly Check[]): string {
  const lines = checks.map(({ name, trouble }) =>
    trouble === undefined ? `[+]${name} ok` : `[-]${name} failed: ${trouble}`,
  );
  return [...lines, `${page} check ${passed ? "passed" : "failed"}`, ""].join("\n");
}
