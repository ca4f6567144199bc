import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Clock } from "../../runtime/clock.ts";
import type { Span } from "../../runtime/tracer.ts";
import { CALL_ID } from "./call-ids.ts";
import type { CallRecord } from "./call-record.ts";
import type { CallTrace, CallTraces } from "./call-traces.ts";
import type { CrossOrigin } from "./cross-origin.ts";
import type { IsLast } from "./last-answer.ts";
import type { PlainAnswer } from "./plain-call.ts";
import type { RefusedSources, Waiting } from "./refused-sources.ts";
import type { SourceAddressOf } from "./source-address.ts";

/** An answer to GET, ready to be sent any number of times. */
export type GetAnswer = {
  readonly whole: PlainAnswer;
  /** For callers that have it already: its ETag, and the fields of "304 Not Modified". */
  readonly unchanged?: { readonly etag: string; readonly fields: readonly string[] };
};

/**
 * A method without side effects, from the query of its URL to the answer, without the framework; undefined:
 * an unusual query, for the framework. Never rejects.
 */
export type FastGet = (
  query: string,
  caller: CallTrace & { readonly address: string },
) => GetAnswer | Promise<GetAnswer> | undefined;

export type FastGetDeps = {
  /** By path. */
  gets: ReadonlyMap<string, FastGet>;
  isLast: IsLast;
  sourceAddressOf: SourceAddressOf;
  crossOrigin: Pick<CrossOrigin, "fieldsOf">;
  clock: Pick<Clock, "elapsed">;
  recordOf: (path: string) => CallRecord;
  traces: CallTraces;
  inTurn: RefusedSources["inTurn"];
  /** The framework. */
  otherwise: RequestListener;
  isHost: (host: string) => boolean;
};

/** Fields of a request that say something about a body, which a plain GET does not have, or of a deadline. */
export const UNUSUAL_FIELDS = [
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "connect-timeout-ms",
  "expect",
] as const;

/** Takes a GET or HEAD that the fast path answers; false: it is not one, and the framework's. */
export function createFastGets(
  deps: FastGetDeps,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const gets = new Map(
    [...deps.gets].map(([path, run]) => [path, { run, record: deps.recordOf(path), name: path.slice(1) }]),
  );
  return (request, response) => {
    const { method, url = "", headers } = request;
    if (method !== "GET" && method !== "HEAD") return false;
    const at = url.indexOf("?");
    const get = at < 0 ? undefined : gets.get(url.slice(0, at));
    if (get === undefined) return false;
    const isUnusual =
      UNUSUAL_FIELDS.some((name) => headers[name] !== undefined) ||
      headers.host === undefined ||
      !deps.isHost(headers.host);
    // Node sends no body to a HEAD whatever the framework takes it for.
    if (isUnusual) request.method = "GET";
    else deps.inTurn(new PlainGet(deps, get, url.slice(at + 1), request, response), response);
    return !isUnusual;
  };
}

type Get = { readonly run: FastGet; readonly record: CallRecord; readonly name: string };

class PlainGet implements Waiting {
  readonly #deps: FastGetDeps;
  readonly #get: Get;
  readonly #beganMs: number;
  readonly #query: string;
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly span: Span | undefined;
  #callId: string | undefined;

  constructor(
    deps: FastGetDeps,
    get: Get,
    query: string,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.#deps = deps;
    this.#get = get;
    this.#beganMs = deps.clock.elapsed();
    this.#query = query;
    this.request = request;
    this.#response = response;
    this.span = deps.traces.isOn ? deps.traces.begin(request, get.name) : undefined;
  }

  get callId(): string {
    this.#callId ??= this.#deps.traces.callIdOf(this.request, this.span);
    return this.#callId;
  }

  get address(): string {
    return this.#deps.sourceAddressOf(this.request);
  }

  run(): void {
    const answer = this.#get.run(this.#query, this);
    if (answer === undefined) {
      this.request.method = "GET";
      this.#deps.traces.keep(this.request, { span: this.span, callId: this.callId });
      this.#deps.otherwise(this.request, this.#response);
    } else if (answer instanceof Promise) void answer.then((told) => this.#send(told));
    else this.#send(answer);
  }

  #send({ whole, unchanged }: GetAnswer): void {
    this.#get.record.note(whole.code, this.#deps.clock.elapsed() - this.#beganMs, this.span);
    const known = this.request.headers["if-none-match"];
    if (unchanged !== undefined && known !== undefined && isAmong(unchanged.etag, known))
      this.#end(304, unchanged.fields);
    else this.#end(whole.status, whole.fields, whole);
  }

  #end(status: number, fields: readonly string[], whole?: PlainAnswer): void {
    const { isLast, crossOrigin } = this.#deps;
    const response = this.#response;
    const head = [...fields, CALL_ID, this.callId, ...crossOrigin.fieldsOf(this.request)];
    if (isLast(this.request)) head.push("connection", "close");
    response.writeHead(status, head);
    if (whole === undefined || this.request.method === "HEAD") response.end();
    else response.end(whole.body, whole.encoding);
  }
}

/**
 * Whether If-None-Match names this ETag, by weak comparison: a proxy that compresses makes it weak. Source:
 * RFC 9110, sections 8.8.3.2 and 13.1.2.
 */
export function isAmong(etag: string, ifNoneMatch: string): boolean {
  return ifNoneMatch.split(",").some((one) => {
    const tag = one.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
}
