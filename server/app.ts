import { setMaxListeners } from "node:events";
import type { Server as Http1Server, IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Http2Server, Http2ServerRequest } from "node:http2";
import type { ConnectRouter, ConnectRouterOptions, ServiceImpl } from "@connectrpc/connect";
import type { CountLookUp } from "../access/limits.ts";
import type { AuthenticateOperator } from "../access/operators.ts";
import { createClaimsUnderWay } from "../claims/claims-under-way.ts";
import type { IssueCoupon } from "../claims/issue-coupon.ts";
import type { RefusedCredentials } from "../claims/refused-credentials.ts";
import { CouponService } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ServicePart } from "../runtime/listeners.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Tracer } from "../runtime/tracer.ts";
import { createFrameworkApp } from "./framework-app.ts";
import { createGrpcApp } from "./grpc-app.ts";
import { takeAbsoluteForm } from "./http/absolute-form.ts";
import { withAnswerChannel } from "./http/answer-channel.ts";
import { createAnswerFields, createCallTraces } from "./http/call-traces.ts";
import type { BoundConnections, ConnectionLimits } from "./http/connection-limits.ts";
import { createCrossOrigin } from "./http/cross-origin.ts";
import { expressClasses } from "./http/express-classes.ts";
import { createFastPath, type FastMethods, type FastPathDeps } from "./http/fast-path.ts";
import { endWithCaller } from "./http/half-open.ts";
import { createHttp1Server, type Http1ServerOptions } from "./http/http1-server.ts";
import { onceBodyBegins } from "./http/http2-bodies.ts";
import { createHttp2Server } from "./http/http2-server.ts";
import type { Http2Sessions } from "./http/http2-sessions.ts";
import { createInFlight, IN_FLIGHT_LIMITS, type InFlight } from "./http/in-flight.ts";
import { closeWithLastAnswer, type IsLast } from "./http/last-answer.ts";
import { createNewConnections, type NewConnections } from "./http/new-connections.ts";
import { joinCredentials } from "./http/one-credential.ts";
import { refuseSeveralHosts } from "./http/one-host.ts";
import { PROBES } from "./http/pages.ts";
import { createRequestTurns } from "./http/request-turns.ts";
import { createSourceAddress, setSourceAddress } from "./http/source-address.ts";
import { CONNECTION_LIMITS, SPARE } from "./http/spare-server.ts";
import { byPath, type Turns } from "./http/turns.ts";
import { createWebPages, webPagesOf } from "./http/web-pages.ts";
import { createHttp2App } from "./http2-app.ts";
import { type Readiness, untilStopping } from "./readiness/readiness.ts";
import { createCallMeter } from "./rpc/call-meter.ts";
import type { GetCampaignStatus } from "./rpc/campaign-status.ts";
import { createFastMethods } from "./rpc/fast-methods.ts";
import type { FindCoupon } from "./rpc/find-coupon.ts";
import { createForeignTo } from "./rpc/foreign-request.ts";
import { HEALTH_CHECK_PATH } from "./rpc/grpc-services.ts";
import { troubleInterceptor } from "./rpc/interceptors.ts";
import { ISSUE_PATH } from "./rpc/issue-answer.ts";
import { openService } from "./rpc/open-service.ts";
import { withOpenApi } from "./rpc/openapi-page.ts";
import { createOperatorAttempts } from "./rpc/operator-attempts.ts";
import { createOperatorCallLog } from "./rpc/operator-call-log.ts";
import { createOperatorGate, type OperatorGate, operatorInterceptor } from "./rpc/operator-gate.ts";
import { type OperatorServices, routeOperatorServices } from "./rpc/operator-services.ts";
import { createRefuseTurn } from "./rpc/refuse-turn.ts";
import { routeService } from "./rpc/routes.ts";
import { isOperatorsPath, servicesOf } from "./rpc/services.ts";
import { createTellTrouble } from "./rpc/trouble.ts";

export type AppDeps = OperatorServices & {
  couponService: Partial<ServiceImpl<typeof CouponService>>;
  /** The handlers that the fast path and the framework call. */
  issueCoupon: IssueCoupon;
  findCoupon: FindCoupon;
  campaignStatus: GetCampaignStatus;
  /** The register that the handlers note refused credentials in. */
  refusedCredentials: RefusedCredentials;
  /** How often an address may ask for a status; undefined: not limited. */
  countLookUp?: CountLookUp | undefined;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  authenticateOperator: AuthenticateOperator;
  /** The hosts under which operators call this service, beside those of loopback (OPERATOR_HOSTS). */
  operatorHosts?: readonly string[] | undefined;
  /** Other origins whose pages may call the callers' service (ALLOWED_ORIGINS), or the operators' one. */
  allowedOrigins?: readonly string[] | undefined;
  operatorOrigins?: readonly string[] | undefined;
  /** What is served; the paths of all else are unknown ones. Default: everything. */
  parts?: readonly ServicePart[];
  /** Whether the gRPC port tells tools its contract (GRPC_REFLECTION). Default: not. */
  reflects?: boolean;
  /** Whether customers are served the launch page (PUBLIC_LAUNCH_PAGE). Default: not. */
  launchPage?: boolean | undefined;
  /** How long a connection may be idle between two requests. */
  keepAliveTimeoutMs: number;
  /** Default: ready. */
  readiness?: Readiness;
  /** Aborted once the process is about to end: it is not ready any more, and requests are still served. */
  stopping: AbortSignal;
  /** Aborted once the server ends its connections. */
  draining: AbortSignal;
  /** The text that /metrics answers with. */
  metricsPage: () => Promise<string>;
  /** Default: no call is traced. */
  tracer?: Tracer;
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
  /** Another server for HTTP/1.1 made as that one, which serves these methods alone: for a warm-up. */
  spare: (fast: FastMethods, counts: Pick<Metrics, "rpcSeconds">) => Http1Server;
};

/**
 * Requests are small; with the library's default of 4 GiB one compressed body could block the event loop for
 * seconds.
 */
const READ_MAX_BYTES = 16 * 1024;
const PUBLIC_PREFIX = `/${CouponService.typeName}/`;
/** What the server of callers and a spare one have each of their own. */
type OwnOfServer = Pick<FastPathDeps, "recordOf" | "traces" | "otherwise"> &
  Pick<Http1ServerOptions, "inFlight" | "limits" | "noteCut">;

export function buildApp(deps: AppDeps): App {
  const { couponService, issueCoupon, clock, logger, draining } = deps;
  // Each request in flight listens to it: many listeners at once are no leak.
  setMaxListeners(0, draining);
  const tellTrouble = createTellTrouble(logger, clock);
  const { metrics, connections = CONNECTION_LIMITS, parts = ["public", "operators", "pages"] } = deps;
  const sourceAddressOf = createSourceAddress(connections.isProxy);
  const serves = (part: ServicePart) => parts.includes(part);
  const { allowedOrigins = [], operatorHosts = [], operatorOrigins = [] } = deps;
  const foreignTo = createForeignTo(operatorHosts, operatorOrigins);
  const originsOf = (part: ServicePart) => (part === "public" ? allowedOrigins : operatorOrigins);
  const crossOrigin = createCrossOrigin(
    parts.flatMap((part) => servicesOf([part]).map((service) => openService(service, originsOf(part)))),
  );
  const traces = createCallTraces(deps.tracer);
  const answers = createAnswerFields(crossOrigin, traces);
  const attempts = createOperatorAttempts({ ...deps, foreignTo, sourceAddressOf, traces });
  const calls = createOperatorCallLog(logger, clock, traces);
  const meter = createCallMeter(metrics, clock, traces);
  const gate = createOperatorGate({
    ...{ authenticate: deps.authenticateOperator, attempts, calls, tellTrouble, clock, meter, traces },
  });
  const guard: OperatorGate["guard"] = serves("operators") ? gate.guard : (next) => next;
  const contextValues = (request: IncomingMessage | Http2ServerRequest) => {
    const values = setSourceAddress(withAnswerChannel(request), sourceAddressOf(request));
    const called = calls.addCall(gate.addOperator(traces.addTrace(values, request), request), request);
    return meter.addCall(called, request);
  };
  const options = {
    readMaxBytes: READ_MAX_BYTES,
    // No shutdownSignal: it would abort the claims in flight, which must be finished. Long streams listen to
    // `draining`.
    interceptors: [
      ...[meter.interceptor, calls.interceptor, troubleInterceptor(tellTrouble)],
      operatorInterceptor(clock),
    ],
    routes(router: ConnectRouter) {
      const told = { clock, tellTrouble };
      // An operator's misspelt field must not be ignored; callers of the public service may use a newer
      // contract than this server.
      if (serves("public"))
        routeService(router, CouponService, couponService, { ...told, ignoreUnknownFields: true });
      if (serves("operators")) routeOperatorServices(router, deps, { ...told, ignoreUnknownFields: false });
    },
  } satisfies ConnectRouterOptions & { routes: (router: ConnectRouter) => void };

  const readiness = untilStopping(deps.readiness, deps.stopping);
  const webPages = withOpenApi(createWebPages(webPagesOf(parts, deps.launchPage)), parts);
  const pages = serves("pages") ? { ...deps, readiness } : undefined;
  const app = createFrameworkApp({
    ...{ options: { ...options, contextValues }, webPages, unknown: meter.unknown, pages },
  });

  const { noting, claimsUnderWay } = createClaimsUnderWay();
  const fastMethods = createFastMethods({ ...deps, issueCoupon: noting(issueCoupon), tellTrouble });
  const bounded: BoundConnections = { limits: connections, noteCut: (why) => metrics.cuts.inc({ why }) };
  const inFlight = createInFlight(IN_FLIGHT_LIMITS, () => bounded.noteCut("pipelining"));
  const { connecting = createNewConnections(), refusedCredentials } = deps;
  const { claims, claimsOfRefused, unusual, unusualOfRefused, refusedSources } = createRequestTurns({
    ...{ claimsUnderWay, connecting, refusedCredentials },
    ...{ addressOf: sourceAddressOf, refuse: createRefuseTurn(clock, answers, meter) },
  });
  // A caller on a kept connection must not keep a draining server busy for ever: its next request goes to
  // another server. Not while others of its requests are in flight: Node would end the socket too early.
  const isLast: IsLast = ({ socket }) => draining.aborted && inFlight.on(socket) <= 1;
  const framework: RequestListener = takeAbsoluteForm(
    closeWithLastAnswer(answers.answering(guard<IncomingMessage, ServerResponse>(app)), isLast),
  );
  const offFastPath = (off: Turns) =>
    byPath(
      new Map([[ISSUE_PATH, claims.taking(framework)], ...PROBES.map((path) => [path, framework] as const)]),
      endWithCaller(off.taking(framework), ({ url = "" }) => isOperatorsPath(url)),
    );
  const http1 = { keepAliveTimeoutMs: deps.keepAliveTimeoutMs, classes: expressClasses(app) };
  const serve = (fast: FastMethods, own: OwnOfServer) => {
    // A call waits with its body: one that waited without it would get that through a stream.
    const fastPath = createFastPath({
      ...{ ...fast, ...own, clock, isLast, sourceAddressOf, crossOrigin, readMaxBytes: READ_MAX_BYTES },
      inTurn: refusedSources.inTurn,
      turnsOf: (isOfRefused) => (isOfRefused ? unusualOfRefused : unusual),
    });
    const joined: RequestListener = (request, response) => {
      joinCredentials(request);
      fastPath(request, response);
    };
    const hosts = { addFields: answers.addFields, refuses: meter.refuses };
    return createHttp1Server(refuseSeveralHosts(joined, hosts), { ...http1, ...own });
  };
  const served = serves("public") ? fastMethods : { methods: new Map(), gets: new Map() };
  const otherwise = meter.taking(refusedSources.taking(offFastPath(unusual), offFastPath(unusualOfRefused)));
  const http = serve(served, { ...bounded, inFlight, recordOf: meter.recordOf, traces, otherwise });
  const spare: App["spare"] = (fast, spareMetrics) => {
    const untraced = createCallTraces();
    const { recordOf } = createCallMeter(spareMetrics, clock, untraced);
    return serve(fast, { ...SPARE, inFlight: createInFlight(), recordOf, traces: untraced });
  };
  const grpcApp = createGrpcApp({
    ...{ options: { ...options, contextValues }, unknown: meter.unknown },
    own: { parts, readiness, reflects: deps.reflects, draining, clock, tellTrouble },
  });
  const call = createHttp2App({
    ...{ grpcApp, pages, webPages, guard, meter, answers, traces, sourceAddressOf },
    gets: serves("public") ? fastMethods.gets : new Map(),
  });
  const callIn = (ofClaims: Turns, others: Turns) =>
    byPath(new Map([[ISSUE_PATH, ofClaims.taking(call)]]), others.taking(call));
  const publicCall = onceBodyBegins(
    refusedSources.choosing(callIn(claims, unusual), callIn(claimsOfRefused, unusualOfRefused)),
  );
  const unusualCall = byPath(new Map(PROBES.map((path) => [path, call] as const)), unusual.taking(call));
  const { server: grpc, sessions: grpcSessions } = createHttp2Server(
    // All others, such as those of operators, are refused by their head alone.
    meter.taking((request, response) =>
      (request.url.startsWith(PUBLIC_PREFIX)
        ? publicCall
        : request.url === HEALTH_CHECK_PATH
          ? call
          : unusualCall)(request, response),
    ),
    bounded,
    clock,
  );
  return { http, inFlight, grpc, grpcSessions, connecting, spare };
}
