import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { createGrpcApp } from "./grpc-app.ts";
import type { CallTraces } from "./http/call-traces.ts";
import type { CrossOrigin } from "./http/cross-origin.ts";
import type { FastGet } from "./http/fast-get.ts";
import { createHttp2Gets } from "./http/http2-gets.ts";
import { shortenDeadlines } from "./http/long-deadlines.ts";
import { joinCredentials } from "./http/one-credential.ts";
import { createProbes, type PagesDeps } from "./http/pages.ts";
import type { SourceAddressOf } from "./http/source-address.ts";
import type { WebPages } from "./http/web-pages.ts";
import type { CallMeter } from "./rpc/call-meter.ts";
import type { OperatorGate } from "./rpc/operator-gate.ts";
import { CACHE_CONTROL, NOT_KEPT } from "./rpc/status-caching.ts";

export type Http2AppDeps = {
  /** What answers all calls but those of the fast path. */
  readonly grpcApp: ReturnType<typeof createGrpcApp>;
  /** undefined: they are served on another port. */
  readonly pages: Pick<PagesDeps, "readiness"> | undefined;
  readonly webPages: WebPages;
  readonly gets: ReadonlyMap<string, FastGet>;
  readonly guard: OperatorGate["guard"];
  readonly meter: Pick<CallMeter, "refuses">;
  readonly answers: Pick<CrossOrigin, "addFields" | "answering">;
  readonly traces: Pick<CallTraces, "name" | "traceOf">;
  readonly sourceAddressOf: SourceAddressOf;
};

/** All that is served over HTTP/2, with or without TLS, as over HTTP/1.1: pages, Connect, gRPC-Web, gRPC. */
export function createHttp2App(
  deps: Http2AppDeps,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  const { grpcApp, pages, webPages, gets, guard, meter, answers, traces, sourceAddressOf } = deps;
  const guarded = answers.answering(guard<Http2ServerRequest, Http2ServerResponse>(grpcApp));
  const probes = pages === undefined ? () => false : createProbes(pages.readiness);
  const takesGet = createHttp2Gets({
    ...{ gets, sourceAddressOf, answers, traces, refuses: meter.refuses },
  });
  return (request, response) => {
    traces.name(request, response);
    if (probes(request, response)) return;
    shortenDeadlines(request.headers);
    joinCredentials(request);
    if (webPages(request, response) || takesGet(request, response)) return;
    // Whatever is not said to be kept is not, such as a refusal before any method runs.
    if (request.method === "GET") response.setHeader(CACHE_CONTROL, NOT_KEPT);
    guarded(request, response);
  };
}
