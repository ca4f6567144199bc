import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { CallTraces } from "./call-traces.ts";
import type { CrossOrigin } from "./cross-origin.ts";
import { type FastGet, type GetAnswer, isAmong, UNUSUAL_FIELDS } from "./fast-get.ts";
import type { SourceAddressOf } from "./source-address.ts";

export type Http2GetsDeps = {
  /** By path, as for the fast path. */
  readonly gets: ReadonlyMap<string, FastGet>;
  readonly sourceAddressOf: SourceAddressOf;
  readonly answers: Pick<CrossOrigin, "addFields">;
  readonly traces: Pick<CallTraces, "traceOf">;
  /** Told the Connect code of an answer that is an error. */
  readonly refuses: (request: Http2ServerRequest, code: number) => void;
};

/**
 * Takes a GET or HEAD over HTTP/2 that the fast path would answer over HTTP/1.1: the framework knows neither
 * HEAD nor If-None-Match. False: it is not one, and the framework's, as a GET.
 */
export function createHttp2Gets(
  deps: Http2GetsDeps,
): (request: Http2ServerRequest, response: Http2ServerResponse) => boolean {
  const { gets, sourceAddressOf, answers, traces, refuses } = deps;

  function send(request: Http2ServerRequest, response: Http2ServerResponse, answer: GetAnswer): void {
    const { whole, unchanged } = answer;
    if (whole.code !== 0) refuses(request, whole.code);
    answers.addFields(request, response);
    const known = request.headers["if-none-match"];
    if (unchanged !== undefined && known !== undefined && isAmong(unchanged.etag, known)) {
      setFields(response, unchanged.fields);
      response.writeHead(304);
      response.end();
      return;
    }
    setFields(response, whole.fields);
    response.writeHead(whole.status);
    if (request.method === "HEAD") response.end();
    else response.end(whole.body, whole.encoding);
  }

  return (request, response) => {
    const { method, url = "", headers, authority } = request;
    if (method !== "GET" && method !== "HEAD") return false;
    const at = url.indexOf("?");
    const run = at < 0 ? undefined : gets.get(url.slice(0, at));
    if (run === undefined) return false;
    const isUnusual =
      UNUSUAL_FIELDS.some((name) => headers[name] !== undefined) || !URL.canParse(`http://${authority}`);
    const caller = { ...traces.traceOf(request), address: sourceAddressOf(request) };
    const answer = isUnusual ? undefined : run(url.slice(at + 1), caller);
    if (answer === undefined) {
      // Node sends no body to a HEAD whatever the framework takes it for.
      request.headers[":method"] = "GET";
      return false;
    }
    if (answer instanceof Promise) void answer.then((told) => send(request, response, told));
    else send(request, response, answer);
    return true;
  };
}

function setFields(response: Http2ServerResponse, fields: readonly string[]): void {
  for (let at = 0; at < fields.length; at += 2)
    response.setHeader(fields[at] as string, fields[at + 1] as string);
}
