import { setMaxListeners } from "node:events";
import type { Server as Http1Server, IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Http2Server, Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { ConnectRouter, ConnectRouterOptions, ServiceImpl } from "@connectrpc/connect";
import { expressConnectMiddleware } from "@connectrpc/connect-express";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { NextFunction, Request, Response } from "express";
import type { CountLookUp } from "../access/limits.ts";
import type { AuthenticateOperator } from "../access/operators.ts";
import { createClaimsUnderWay } from "../claims/claims-under-way.ts";
import type { IssueCoupon } from "../claims/issue-coupon.ts";
import { CampaignService } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../runtime/clock.ts";
import { CONNECTION_DEFAULTS } from "../runtime/connection-settings.ts";
import type { ServicePart } from "../runtime/listeners.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { takeAbsoluteForm } from "./http/absolute-form.ts";
import { withAnswerChannel } from "./http/answer-channel.ts";
import { createBareApp } from "./http/bare-app.ts";
import type { BoundConnections, ConnectionLimits } from "./http/connection-limits.ts";
import { expressClasses } from "./http/express-classes.ts";
import { createFastPath, type FastMethod } from "./http/fast-path.ts";
import { endWithCaller } from "./http/half-open.ts";
import { createHttp1Server } from "./http/http1-server.ts";
import { onceBodyBegins } from "./http/http2-bodies.ts";
import { createHttp2Server } from "./http/http2-server.ts";
import type { Http2Sessions } from "./http/http2-sessions.ts";
import { createInFlight, IN_FLIGHT_LIMITS, type InFlight } from "./http/in-flight.ts";
import { closeWithLastAnswer, type IsLast } from "./http/last-answer.ts";
import { shortenDeadlines } from "./http/long-deadlines.ts";
import { createNewConnections, type NewConnections } from "./http/new-connections.ts";
import { joinCredentials } from "./http/one-credential.ts";
import { refuseSeveralHosts } from "./http/one-host.ts";
import { addPages, PROBES } from "./http/pages.ts";
import { createRefusedSources } from "./http/refused-sources.ts";
import { createSourceAddress, setSourceAddress } from "./http/source-address.ts";
import { byPath, createTurns, everyTurns, type Turns } from "./http/turns.ts";
import type { GetCampaignStatus } from "./rpc/campaign-status.ts";
import { errorBody } from "./rpc/error-info.ts";
import { createForeignTo } from "./rpc/foreign-request.ts";
import { troubleInterceptor } from "./rpc/interceptors.ts";
import { createIssueAnswers, ISSUE_PATH } from "./rpc/issue-answer.ts";
import { createOperatorAttempts } from "./rpc/operator-attempts.ts";
import { createOperatorCallLog } from "./rpc/operator-call-log.ts";
import { createOperatorGate, type OperatorGate, operatorInterceptor } from "./rpc/operator-gate.ts";
import { OPERATORS_PREFIX } from "./rpc/operator-rights.ts";
import { createRefuseTurn } from "./rpc/refuse-turn.ts";
import { routeService } from "./rpc/routes.ts";
import { createStatusAnswers, STATUS_PATH } from "./rpc/status-answer.ts";
import { createTellTrouble } from "./rpc/trouble.ts";

export type AppDeps = {
  couponService: ServiceImpl<typeof CouponService>;
  /** The handler that the fast path and the framework call. */
  issueCoupon: IssueCoupon;
  /** The same for GetCampaignStatus. */
  campaignStatus: GetCampaignStatus;
  /** How often an address may ask for it; undefined: not limited. */
  countLookUp?: CountLookUp | undefined;
  campaignService: ServiceImpl<typeof CampaignService>;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  authenticateOperator: AuthenticateOperator;
  /** The hosts under which operators call this service, beside those of loopback (OPERATOR_HOSTS). */
  operatorHosts?: readonly string[] | undefined;
  /** What is served; the paths of all else are unknown ones. Default: everything. */
  parts?: readonly ServicePart[];
  /** How long a connection may be idle between two requests. */
  keepAliveTimeoutMs: number;
  /** Aborted once the process is about to end: /readyz answers 503, and requests are still served. */
  stopping: AbortSignal;
  /** Aborted once the server ends its connections. */
  draining: AbortSignal;
  /** The text that /metrics answers with. */
  metricsPage: () => Promise<string>;
  connections?: ConnectionLimits;
  connecting?: NewConnections;
};

/** Neither server listens yet: the caller of `buildApp` starts both, on the configured addresses. */
export type App = {
  /** Connect, gRPC-Web and plain JSON over HTTP/1.1, and the health and metrics pages. */
  http: Http1Server;
  inFlight: InFlight;
  /** gRPC over HTTP/2 without TLS (h2c): the same routes. */
  grpc: Http2Server;
  grpcSessions: Http2Sessions;
  /** Must watch whatever listens for this app: the two servers, or the ports in front of them. */
  connecting: NewConnections;
};

/**
 * Requests are small; with the library's default of 4 GiB one compressed body could block the event loop for
 * seconds.
 */
const READ_MAX_BYTES = 16 * 1024;
/**
 * Requests off the fast path that are begun in one turn of the event loop; one, while a claim waits for a
 * store.
 */
const UNUSUAL_PER_TURN = 4;
const CLAIMS_PER_TURN = 32;
const PUBLIC_PREFIX = `/${CouponService.typeName}/`;
/**
 * Requests of sources whose credentials are being refused, likewise. A refusal costs tens of microseconds: of
 * so many a turn takes about one millisecond, and no more turns than needed are spent on a crowd.
 */
const REFUSED_PER_TURN = 32;
/** So many short turns with a new connection, or one with refusals, take about ten milliseconds. */
const REFUSED_AWAIT_TURNS = 160;
/** Of their requests off the fast path one is begun in so many turns. */
const REFUSED_UNUSUAL_TURNS = 4;
const UNUSUAL_WAITING_MAX = 1_000;
const CLAIMS_WAITING_MAX = 10_000;
const CONNECTION_LIMITS: ConnectionLimits = { ...CONNECTION_DEFAULTS, isProxy: () => false };

export function buildApp(deps: AppDeps): App {
  const { couponService, campaignService, issueCoupon, clock, logger, draining } = deps;
  // Each request in flight listens to it: many listeners at once are no leak.
  setMaxListeners(0, draining);
  const tellTrouble = createTellTrouble(logger, clock);
  const { metrics, connections = CONNECTION_LIMITS, parts = ["public", "operators", "pages"] } = deps;
  const sourceAddressOf = createSourceAddress(connections.isProxy);
  const foreignTo = createForeignTo(deps.operatorHosts ?? []);
  const attempts = createOperatorAttempts({ ...deps, foreignTo, sourceAddressOf });
  const calls = createOperatorCallLog(logger, clock);
  const gate = createOperatorGate({
    ...{ authenticate: deps.authenticateOperator, attempts, calls, tellTrouble, clock },
  });
  const serves = (part: ServicePart) => parts.includes(part);
  const guard: OperatorGate["guard"] = serves("operators") ? gate.guard : (next) => next;
  const contextValues = (request: IncomingMessage | Http2ServerRequest) => {
    const values = setSourceAddress(withAnswerChannel(request), sourceAddressOf(request));
    return calls.addCall(gate.addOperator(values, request), request);
  };
  const options = {
    readMaxBytes: READ_MAX_BYTES,
    // No shutdownSignal: it would abort the claims in flight, which must be finished. Long streams listen to
    // `draining`.
    interceptors: [calls.interceptor, troubleInterceptor(tellTrouble), operatorInterceptor(clock)],
    routes(router: ConnectRouter) {
      const told = { clock, tellTrouble };
      // An operator's misspelt field must not be ignored; callers of the public service may use a newer
      // contract than this server.
      if (serves("public"))
        routeService(router, CouponService, couponService, { ...told, ignoreUnknownFields: true });
      if (serves("operators"))
        routeService(router, CampaignService, campaignService, { ...told, ignoreUnknownFields: false });
    },
  } satisfies ConnectRouterOptions & { routes: (router: ConnectRouter) => void };

  const app = createBareApp();
  if (serves("pages"))
    addPages(app, { ...deps, readiness: () => (deps.stopping.aborted ? "draining" : "ready") });
  app.use((request, _, next) => {
    shortenDeadlines(request.headers);
    next();
  });
  app.use(expressConnectMiddleware({ ...options, contextValues }));
  app.use((request: Request, response: Response) => {
    const { method, path } = request;
    response.status(404).json(errorBody("unimplemented", `${method} ${path} is not served here`));
  });
  // Answers requests that cannot be routed, such as one with an invalid Host. Express recognises an error
  // handler by its four parameters.
  app.use((_: unknown, __: Request, response: Response, ___: NextFunction) => {
    if (response.headersSent) response.destroy();
    else response.status(400).json(errorBody("invalid_argument", "the request cannot be understood"));
  });

  const { noting, claimsUnderWay } = createClaimsUnderWay();
  const methods = new Map<string | undefined, FastMethod>();
  if (serves("public")) {
    methods.set(ISSUE_PATH, createIssueAnswers({ issueCoupon: noting(issueCoupon), tellTrouble, clock }));
    methods.set(STATUS_PATH, createStatusAnswers({ ...deps, tellTrouble }));
  }
  const bounded: BoundConnections = { limits: connections, noteCut: (why) => metrics.cuts.inc({ why }) };
  const inFlight = createInFlight(IN_FLIGHT_LIMITS, () => bounded.noteCut("pipelining"));
  const refuse = createRefuseTurn(clock);
  const { connecting = createNewConnections() } = deps;
  const awaits = connecting.awaiting();
  const unusual = createTurns({
    perTurn: () => (claimsUnderWay() ? 1 : UNUSUAL_PER_TURN),
    ...{ waitingMax: UNUSUAL_WAITING_MAX, refuse, awaits },
  });
  const unusualOfRefused = createTurns({
    perTurn: everyTurns(REFUSED_UNUSUAL_TURNS),
    ...{ waitingMax: UNUSUAL_WAITING_MAX, refuse, awaits: connecting.awaiting() },
  });
  const claims = createTurns({ perTurn: CLAIMS_PER_TURN, waitingMax: CLAIMS_WAITING_MAX, refuse });
  // A caller on a kept connection must not keep a draining server busy for ever: its next request goes to
  // another server. Not while others of its requests are in flight: Node would end the socket too early.
  const isLast: IsLast = ({ socket }) => draining.aborted && inFlight.on(socket) <= 1;
  const framework: RequestListener = takeAbsoluteForm(
    closeWithLastAnswer(guard<IncomingMessage, ServerResponse>(app), isLast),
  );
  const refusedSources = createRefusedSources({
    ...{ addressOf: sourceAddressOf, elapsed: () => clock.elapsed(), refuse },
    awaits: connecting.awaiting(REFUSED_AWAIT_TURNS),
    ...{ perTurn: REFUSED_PER_TURN, waitingMax: CLAIMS_WAITING_MAX },
  });
  const offFastPath = (off: Turns) =>
    byPath(
      new Map([[ISSUE_PATH, claims.taking(framework)], ...PROBES.map((path) => [path, framework] as const)]),
      endWithCaller(off.taking(framework), ({ url = "" }) => url.startsWith(OPERATORS_PREFIX)),
    );
  // A call waits with its body: one that waited without it would get that through a stream.
  const fastPath = createFastPath({
    ...{ methods, clock, isLast, sourceAddressOf, readMaxBytes: READ_MAX_BYTES },
    ...{ noteStatus: refusedSources.note, inTurn: refusedSources.inTurn },
    otherwise: refusedSources.taking(offFastPath(unusual), offFastPath(unusualOfRefused)),
  });
  const oneHost = refuseSeveralHosts((request, response) => {
    joinCredentials(request);
    fastPath(request, response);
  });
  const http = createHttp1Server(oneHost, {
    ...bounded,
    ...{ inFlight, keepAliveTimeoutMs: deps.keepAliveTimeoutMs, classes: expressClasses(app) },
  });
  const adapt = connectNodeAdapter({ ...options, contextValues });
  const guarded = guard((request: Http2ServerRequest, response: Http2ServerResponse) => {
    // The adapter makes a URL of the authority that the caller sent, and throws where that is invalid.
    try {
      adapt(request, response);
    } catch {
      response.writeHead(400).end();
    }
  });
  const call = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    shortenDeadlines(request.headers);
    joinCredentials(request);
    guarded(request, response);
  };
  const unusualCall = unusual.taking(call);
  const publicCall = onceBodyBegins(byPath(new Map([[ISSUE_PATH, claims.taking(call)]]), unusualCall));
  const { server: grpc, sessions: grpcSessions } = createHttp2Server(
    // All others, such as those of operators, are refused by their head alone.
    (request, response) =>
      (request.url.startsWith(PUBLIC_PREFIX) ? publicCall : unusualCall)(request, response),
    bounded,
    clock,
  );
  return { http, inFlight, grpc, grpcSessions, connecting };
}
