import type { IncomingMessage, ServerResponse } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import {
  CouponService,
  IssueCouponRequestSchema,
  IssueCouponResponseSchema,
} from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../runtime/clock.ts";
import { viewCoupon } from "./campaign-view.ts";
import type { Caller, Issue } from "./claims/claimer.ts";
import type { IssueCoupon, IssueRequest } from "./issue-coupon.ts";
import { readIssueRequest, writeIssueResponse } from "./issue-json.ts";
import { type Refusal, refusalJson } from "./refusal.ts";
import type { TellTrouble } from "./trouble.ts";

/**
 * IssueCoupon without the framework: a plain Connect POST over HTTP/1.1, JSON or binary, uncompressed, with its length told. That
 * is what a launch is made of, and a framework's work for each request costs several times the claim. Everything else, and all
 * that is odd in any way, goes to the framework as it came; a client cannot tell by which door it came in.
 */
export type HotLane = (request: IncomingMessage, response: ServerResponse) => void;

export type HotLaneDeps = {
  issueCoupon: IssueCoupon;
  tellTrouble: TellTrouble;
  clock: Clock;
  /** Whether the answer to this request is the last on its connection, because the server drains. */
  isLast: (request: IncomingMessage) => boolean;
  /** The most bytes of a body; longer ones are the framework's to refuse. */
  readMaxBytes: number;
  /** The framework's door. */
  otherwise: (request: IncomingMessage, response: ServerResponse) => void;
};

type Codec = "json" | "proto";

const METHOD = `${CouponService.typeName}/${CouponService.method.issueCoupon.name}`;
const PATH = `/${METHOD}`;
const CONTENT_TYPES: ReadonlyMap<string, Codec> = new Map([
  ["application/json", "json"],
  ["application/json; charset=utf-8", "json"],
  ["application/json;charset=utf-8", "json"],
  ["application/proto", "proto"],
]);
const HOSTS_MAX = 1_000;

export function createHotLane(deps: HotLaneDeps): HotLane {
  const { issueCoupon, tellTrouble, clock, isLast, readMaxBytes, otherwise } = deps;
  const knownHosts = new Set<string>();
  const refusals = createRefusalBodies();

  /** The framework makes a URL of it and refuses what is none. */
  function isHost(host: string): boolean {
    if (knownHosts.has(host)) return true;
    if (!URL.canParse(`http://${host}`)) return false;
    if (knownHosts.size >= HOSTS_MAX) knownHosts.clear();
    knownHosts.add(host);
    return true;
  }

  function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
    const headers = ["content-type", type, "content-length", String(length)];
    // As the framework's door does: the next request of this caller goes elsewhere.
    if (isLast(response.req)) headers.push("connection", "close");
    response.writeHead(status, headers).end(body);
  }

  function sendIssue(response: ServerResponse, codec: Codec, issue: Issue): void {
    if (issue.kind === "refused") {
      const { status, body } = refusals(issue.refusal, clock.now());
      send(response, status, "application/json", body);
    } else if (codec === "json") {
      send(response, 200, "application/json", writeIssueResponse(issue.held, issue.replayed));
    } else {
      const message = create(IssueCouponResponseSchema, {
        coupon: viewCoupon(issue.held),
        replayed: issue.replayed,
      });
      send(response, 200, "application/proto", toBinary(IssueCouponResponseSchema, message));
    }
  }

  async function answer(ask: IssueRequest, caller: Caller, codec: Codec, response: ServerResponse) {
    try {
      const issue = await issueCoupon(ask, caller);
      sendIssue(response, codec, issue);
    } catch (error) {
      const { status, body } = encode(tellTrouble(error, METHOD));
      if (response.headersSent) response.destroy();
      else send(response, status, "application/json", body);
    }
  }

  return (request, response) => {
    const { headers, method, url } = request;
    const codec = CONTENT_TYPES.get(headers["content-type"] ?? "");
    const length = Number(headers["content-length"] ?? 0);
    const isOurs =
      url === PATH &&
      method === "POST" &&
      codec !== undefined &&
      length > 0 &&
      length <= readMaxBytes &&
      headers["content-encoding"] === undefined &&
      headers["transfer-encoding"] === undefined &&
      headers.host !== undefined &&
      isHost(headers.host);
    const timeoutMs = timeoutOf(headers["connect-timeout-ms"]);
    if (!isOurs || timeoutMs === undefined) {
      otherwise(request, response);
      return;
    }
    const caller = callerOf(request, clock, timeoutMs);
    let body: Buffer | undefined;
    const take = (chunk: Buffer): void => {
      body = body === undefined ? chunk : Buffer.concat([body, chunk]);
      if (body.length < length) return;
      const ask = codec === "json" ? readIssueRequest(body.toString("utf8")) : readBinary(body);
      if (ask !== undefined) {
        void answer(ask, caller, codec, response);
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

/** Milliseconds, Infinity where none is given, undefined where it is malformed. */
function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return Number.POSITIVE_INFINITY;
  return typeof header === "string" && /^\d{1,10}$/.test(header) ? Number(header) : undefined;
}

function callerOf(request: IncomingMessage, clock: Clock, timeoutMs: number): Caller {
  const { socket } = request;
  const deadlineMs = timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : clock.now() + timeoutMs;
  return {
    get aborted() {
      return socket.destroyed || clock.now() >= deadlineMs;
    },
  };
}

function readBinary(body: Uint8Array): IssueRequest | undefined {
  try {
    return fromBinary(IssueCouponRequestSchema, body);
  } catch {
    return undefined;
  }
}

/** A text, so that head and body leave in one piece. */
type ErrorBody = { readonly status: number; readonly body: string };

function encode(error: ConnectError): ErrorBody {
  return { status: codeToHttpStatus(error.code), body: JSON.stringify(errorToJson(error, undefined)) };
}

/** Refusals come by the thousand in one millisecond, and those that say the same are the same bytes: the last of each reason is kept. */
function createRefusalBodies(): (refusal: Refusal, nowMs: number) => ErrorBody {
  const kept = new Map<Refusal["reason"], { readonly telling: string; readonly encoded: ErrorBody }>();
  return (refusal, nowMs) => {
    const words = refusal.reason === "INVALID" ? `${refusal.field}:${refusal.allowed}` : "";
    const wait = refusal.reason === "NOT_STARTED" ? `${refusal.startsAtMs} ${refusal.waitMs}` : "";
    const telling = `${nowMs} ${wait}${words}`;
    const last = kept.get(refusal.reason);
    if (last?.telling === telling) return last.encoded;
    const { code, json } = refusalJson(refusal, nowMs);
    const encoded = { status: codeToHttpStatus(code), body: json };
    kept.set(refusal.reason, { telling, encoded });
    return encoded;
  };
}
