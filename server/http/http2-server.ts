import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { Clock } from "../../runtime/clock.ts";
import { gateConnections } from "./connection-gate.ts";
import type { BoundConnections } from "./connection-limits.ts";
import { HTTP2_PATIENCE, type Http2Sessions, keepHttp2Sessions } from "./http2-sessions.ts";
import { boundHttp2Waste, HTTP2_WASTE_LIMITS } from "./http2-waste.ts";

const STREAMS_MAX = 100;
/** The sum of names and values, in the count of RFC 9113, section 6.5.2: 32 more for each field. */
const HEADER_BYTES_MAX = 16 * 1024;
const HEADER_FIELDS_MAX = 64;
/** What a connection may hold in memory, in Node's count. */
const SESSION_MEGABYTES_MAX = 4;

/** Node's HTTP/2 server without TLS, with every limit set. */
export function createHttp2Server(
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  { limits, noteCut }: BoundConnections,
  clock: Clock,
): { readonly server: Http2Server; readonly sessions: Http2Sessions } {
  const server = createServer(
    {
      settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX },
      maxHeaderListPairs: HEADER_FIELDS_MAX,
      maxSessionMemory: SESSION_MEGABYTES_MAX,
    },
    listener,
  );
  const { isProxy } = limits;
  gateConnections(server, { ...limits, isRefused: (source) => waste.isRefused(source), noteCut });
  const waste = boundHttp2Waste(server, HTTP2_WASTE_LIMITS, isProxy, noteCut, clock);
  const sessions = keepHttp2Sessions(server, HTTP2_PATIENCE, clock);
  server.maxConnections = limits.most;
  return { server, sessions };
}
