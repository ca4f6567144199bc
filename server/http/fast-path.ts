import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Caller } from "../../claims/issue.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Codec, codecOf, type PlainAnswer, timeoutOf } from "./plain-call.ts";

/** A method from body to answer, without the framework; undefined: anything unusual, for the framework. Never rejects. */
export type FastMethod = (
  codec: Codec,
  body: Buffer,
  caller: Caller,
) => PlainAnswer | Promise<PlainAnswer> | undefined;

/**
 * What a launch is made of without the framework, IssueCoupon and GetCampaignStatus: a plain Connect POST over HTTP/1.1, JSON or binary, uncompressed, with its length told. A
 * framework's work for each request costs several times the claim. Everything else, and all
 * that is odd in any way, goes to the framework as it came; a client cannot tell by which door it came in.
 */
export type FastPath = (request: IncomingMessage, response: ServerResponse) => void;

export type FastPathDeps = {
  /** By path. */
  methods: ReadonlyMap<string | undefined, FastMethod>;
  clock: Clock;
  /** The most bytes of a body; longer ones are the framework's to refuse. */
  readMaxBytes: number;
  /** The framework's door. */
  otherwise: (request: IncomingMessage, response: ServerResponse) => void;
};

const HOSTS_MAX = 1_000;

export function createFastPath(deps: FastPathDeps): FastPath {
  const { methods, clock, readMaxBytes, otherwise } = deps;
  const knownHosts = new Set<string>();

  /** The framework makes a URL of it and refuses what is none. */
  function isHost(host: string): boolean {
    if (knownHosts.has(host)) return true;
    if (!URL.canParse(`http://${host}`)) return false;
    if (knownHosts.size >= HOSTS_MAX) knownHosts.clear();
    knownHosts.add(host);
    return true;
  }

  function send(response: ServerResponse, { status, type, body }: PlainAnswer): void {
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
    const headers = ["content-type", type, "content-length", String(length)];
    response.writeHead(status, headers).end(body);
  }

  return (request, response) => {
    const { headers, method, url } = request;
    const codec = codecOf(headers["content-type"]);
    const length = Number(headers["content-length"] ?? 0);
    const run = methods.get(url);
    const isOurs =
      method === "POST" &&
      codec !== undefined &&
      length > 0 &&
      length <= readMaxBytes &&
      headers["content-encoding"] === undefined &&
      headers["transfer-encoding"] === undefined &&
      headers.host !== undefined &&
      isHost(headers.host);
    const timeoutMs = timeoutOf(headers["connect-timeout-ms"]);
    if (run === undefined || !isOurs || timeoutMs === undefined) {
      otherwise(request, response);
      return;
    }
    const caller = callerOf(request.socket, clock, timeoutMs);
    let body: Buffer | undefined;
    const take = (chunk: Buffer): void => {
      body = body === undefined ? chunk : Buffer.concat([body, chunk]);
      if (body.length < length) return;
      const answer = run(codec, body, caller);
      if (answer !== undefined) {
        if (answer instanceof Promise) void answer.then((told) => send(response, told));
        else send(response, answer);
        return;
      }
      request.off("data", take);
      request.pause();
      request.unshift(body);
      otherwise(request, response);
    };
    request.on("data", take);
  };
}

/** Who waits on this connection, at most for so long. */
export function callerOf(socket: Socket, clock: Clock, timeoutMs: number): Caller {
  const deadlineMs = timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : clock.elapsed() + timeoutMs;
  return {
    get aborted() {
      return socket.destroyed || clock.elapsed() >= deadlineMs;
    },
  };
}
