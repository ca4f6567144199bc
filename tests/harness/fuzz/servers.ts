import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Refusal } from "../../../campaign/refusal.ts";
import type { Caller, Issue } from "../../../claims/issue.ts";
import type { IssueRequest } from "../../../claims/issue-coupon.ts";
import { createRefusedCredentials } from "../../../claims/refused-credentials.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { CampaignService } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  type CouponService,
  GetCampaignStatusResponseSchema,
} from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { EventService } from "../../../proto/gen/coupon/v1/event_service_pb.ts";
import type { RedemptionService } from "../../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { type AppDeps, buildApp } from "../../../server/app.ts";
import type { CampaignStatus } from "../../../server/rpc/campaign-status.ts";
import { FAST_PATHS } from "../../../server/rpc/fast-methods.ts";
import type { Find, FindCaller } from "../../../server/rpc/find-coupon.ts";
import type { FindRequest } from "../../../server/rpc/find-keys.ts";
import { remoteCallerOf } from "../../../server/rpc/remote-caller.ts";
import { toConnectError } from "../../../server/rpc/rpc-status.ts";
import { viewCoupon } from "../../../server/view/campaign-view.ts";
import { anyone } from "../../support/anyone.ts";
import { silentLogger } from "../../support/shared-stores.ts";

/** A server under fuzz, and its side of each connection. */
export type Fuzzed = {
  readonly port: number;
  /** The server's side of the connection from this port of a caller. */
  connection(callerPort: number): Connection | undefined;
  /** Requests whose head arrived whole, and those of them that the fast path has answered. */
  requests(): number;
  fastAnswers(): number;
  close(): Promise<void>;
};

export type Connection = {
  readonly socket: Socket;
  /** Requests that arrived whole and are not answered yet. */
  waiting(): number;
};

/** Changes a request before the server's listener gets it: this plants a fault. */
export type Tamper = (request: IncomingMessage) => void;

/** A clock that stands still, so that two answers to one request are equal to the byte. */
const clock: Clock = { ...systemClock, now: () => 1_800_000_000_000 };
const REFUSALS: readonly Refusal[] = [
  { reason: "SOLD_OUT" },
  { reason: "ENDED" },
  { reason: "UNCERTAIN" },
  { reason: "UNKNOWN_CAMPAIGN" },
  { reason: "NOT_STARTED", startsAtMs: clock.now() + 60_000, waitMs: 60_000 },
  { reason: "INVALID", field: "user_id", allowed: "must not be empty" },
];

/**
 * Derives the answer from the fields of the request, at once or later, so that a field that one side decodes
 * differently shows in the answer.
 */
function issueOf({ campaignId, userId, requestId }: IssueRequest, caller: Caller): Issue | Promise<Issue> {
  if (caller.aborted) return { kind: "refused", refusal: { reason: "DEADLINE_EXCEEDED" } };
  const sum = sumOf([campaignId, userId, requestId]);
  const refusal = REFUSALS[sum % 12];
  const seq = sum + userId.length * 10_000 + requestId.length * 1_000_000;
  const coupon = {
    campaignId: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    code: "가나다라마바0123",
    seq,
    issuedAtMs: clock.now(),
  };
  const issue: Issue =
    refusal === undefined
      ? ({ kind: "issued", coupon, replayed: sum % 2 === 0 } as Issue)
      : { kind: "refused", refusal };
  if (sum % 7 === 0) return Promise.reject(new Error("a bug"));
  return sum % 3 === 0 ? issue : Promise.resolve(issue);
}

function sumOf(texts: readonly string[]): number {
  return [...texts.join("")].reduce((all, one) => all + (one.codePointAt(0) ?? 0), 0);
}

/** Likewise; some wait for their turn, where their transport has turns. */
async function findOf({ code, ...request }: FindRequest, caller: FindCaller): Promise<Find> {
  const issue = await issueOf(request, caller);
  if (sumOf([code]) % 2 === 1) await caller.turn?.();
  if (issue.kind === "refused") return issue;
  const { coupon } = issue;
  return { kind: "found", coupon: { ...coupon, seq: coupon.seq + code.length } };
}

function statusOf(campaignId: string): CampaignStatus | Promise<CampaignStatus> {
  if (campaignId === "") return { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
  const status = create(GetCampaignStatusResponseSchema, {
    state: CampaignState.OPEN,
    serverTime: timestampFromMs(clock.now()),
    millisToStart: BigInt(campaignId.length),
  });
  return campaignId.length % 2 === 0
    ? { kind: "status", status }
    : Promise.resolve({ kind: "status", status });
}

/**
 * The product's own server, or with `past` the framework alone: each request then bypasses the fast path.
 */
export async function startFuzzed(how: {
  readonly past: boolean;
  readonly tamper?: Tamper;
}): Promise<Fuzzed> {
  const quiet = new AbortController().signal;
  const metrics = createMetrics();
  const unasked = new Proxy({}, { get: () => () => Promise.reject(new Error("not asked here")) });
  let fastAnswers = 0;
  const deps: AppDeps = {
    eventService: unasked as ServiceImpl<typeof EventService>,
    redemptionService: unasked as ServiceImpl<typeof RedemptionService>,
    couponService: {
      ...(unasked as ServiceImpl<typeof CouponService>),
      async issueCoupon(request, context) {
        const issue = await issueOf(request, context.signal);
        if (issue.kind === "refused") throw toConnectError(issue.refusal, clock.now());
        return { coupon: viewCoupon(issue.coupon), replayed: issue.replayed };
      },
      async findCoupon(request, context) {
        const find = await findOf(request, remoteCallerOf(context));
        if (find.kind === "refused") throw toConnectError(find.refusal, clock.now());
        return { coupon: viewCoupon(find.coupon) };
      },
      async getCampaignStatus({ campaignId }) {
        const given = await statusOf(campaignId);
        if (given.kind === "refused") throw toConnectError(given.refusal, clock.now());
        return given.status;
      },
    },
    issueCoupon(request, caller) {
      fastAnswers++;
      return issueOf(request, caller);
    },
    findCoupon(request, caller) {
      fastAnswers++;
      return findOf(request, caller);
    },
    campaignStatus(campaignId) {
      fastAnswers++;
      return statusOf(campaignId);
    },
    campaignService: unasked as ServiceImpl<typeof CampaignService>,
    refusedCredentials: createRefusedCredentials(clock),
    ...{ clock, logger: silentLogger, metrics, authenticateOperator: anyone, keepAliveTimeoutMs: 65_000 },
    ...{ stopping: quiet, draining: quiet, metricsPage: () => metrics.registry.metrics() },
  };
  const { http } = buildApp(deps);
  const { connections, requests } = watch(http, (request) => {
    how.tamper?.(request);
    // With a query, the fast path passes the request on; the framework ignores the query.
    if (how.past && FAST_PATHS.includes(request.url ?? "")) request.url += "?";
  });
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    connection: (callerPort) => connections.get(callerPort),
    requests,
    fastAnswers: () => fastAnswers,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => void http.close(resolve));
    },
  };
}

function watch(server: Server, first: Tamper) {
  const connections = new Map<number, Connection>();
  const open = new Map<Socket, Set<IncomingMessage>>();
  let requests = 0;
  server.on("connection", (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    const unanswered = new Set<IncomingMessage>();
    open.set(socket, unanswered);
    const waiting = () => [...unanswered].filter(({ complete }) => complete).length;
    connections.set(port, { socket, waiting });
    socket.once("close", () => {
      connections.delete(port);
      open.delete(socket);
    });
  });
  server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    requests++;
    open.get(request.socket)?.add(request);
    const { socket } = request;
    response.once("close", () => void open.get(socket)?.delete(request));
    first(request);
  });
  return { connections, requests: () => requests };
}
