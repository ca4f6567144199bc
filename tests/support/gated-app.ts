import type { AddressInfo, Socket } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import {
  type Client,
  ConnectError,
  createClient,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import type { AuthenticateOperator } from "../../access/operators.ts";
import { createRefusedCredentials } from "../../claims/refused-credentials.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { buildApp } from "../../server/app.ts";
import { operatorIn } from "../../server/rpc/operator-gate.ts";
import { isOperatorsPath } from "../../server/rpc/services.ts";
import { silentLogger } from "./shared-stores.ts";

export const TRANSPORTS = ["Connect, JSON", "Connect, binary", "gRPC-Web", "gRPC"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** A call that reached its handler: the method, the operator's name, and the request. */
export type Reached = { readonly method: string; readonly operator: string; readonly request: unknown };

/**
 * Both servers of a process on free ports, behind whose gate every method of all services only notes its
 * calls.
 */
export type GatedApp = {
  readonly urls: { readonly http: string; readonly grpc: string };
  readonly reached: Reached[];
  campaigns(transport: TransportName, authorization?: string): Client<typeof CampaignService>;
  events(transport: TransportName, authorization?: string): Client<typeof EventService>;
  redemptions(transport: TransportName, authorization?: string): Client<typeof RedemptionService>;
  /** Resolves once the server has noticed that the newest connection of this port is closed. */
  newestClosed(port: "http" | "grpc"): Promise<void>;
  close(): Promise<void>;
};

export async function startGatedApp(authenticateOperator: AuthenticateOperator): Promise<GatedApp> {
  const reached: Reached[] = [];
  const noting = <S extends DescService>({ methods, typeName }: S) =>
    Object.fromEntries(
      methods.map(({ localName, methodKind }) => {
        const note = (request: unknown, { values }: { values: Parameters<typeof operatorIn>[0] }) => {
          const operator = isOperatorsPath(`/${typeName}/`) ? operatorIn(values).name : "";
          reached.push({ method: localName, operator, request });
          return {};
        };
        const streaming = async function* (...given: Parameters<typeof note>) {
          yield note(...given);
        };
        return [localName, methodKind === "server_streaming" ? streaming : note];
      }),
    ) as unknown as ServiceImpl<S>;
  const metrics = createMetrics();
  const app = buildApp({
    couponService: noting(CouponService),
    campaignService: noting(CampaignService),
    eventService: noting(EventService),
    redemptionService: noting(RedemptionService),
    findCoupon: () => Promise.reject(new Error("not asked here")),
    campaignStatus: () => Promise.reject(new Error("not asked here")),
    issueCoupon: () => Promise.reject(new Error("not asked here")),
    ...{
      clock: systemClock,
      logger: silentLogger,
      metrics,
      refusedCredentials: createRefusedCredentials(systemClock),
      authenticateOperator,
    },
    draining: new AbortController().signal,
    stopping: new AbortController().signal,
    keepAliveTimeoutMs: 65_000,
    metricsPage: () => metrics.registry.metrics(),
  });
  const [http = 0, grpc = 0] = await Promise.all(
    [app.http, app.grpc].map(async (server) => {
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      return (server.address() as AddressInfo).port;
    }),
  );
  const newest = new Map<string, Promise<void>>();
  for (const port of ["http", "grpc"] as const)
    app[port].on("connection", (socket: Socket) => {
      newest.set(port, new Promise((resolve) => void socket.on("close", () => resolve())));
    });
  const urls = { http: `http://127.0.0.1:${http}`, grpc: `http://127.0.0.1:${grpc}` };
  const sessionManager = new Http2SessionManager(urls.grpc);

  function client<S extends DescService>(service: S, transport: TransportName, authorization?: string) {
    const bearer: Interceptor = (next) => (request) => {
      if (authorization !== undefined) request.header.set("authorization", authorization);
      return next(request);
    };
    const given = { baseUrl: urls.http, httpVersion: "1.1" as const, interceptors: [bearer] };
    const over = {
      "Connect, JSON": () => createConnectTransport({ ...given, useBinaryFormat: false }),
      "Connect, binary": () => createConnectTransport({ ...given, useBinaryFormat: true }),
      "gRPC-Web": () => createGrpcWebTransport(given),
      gRPC: () => createGrpcTransport({ baseUrl: urls.grpc, sessionManager, interceptors: [bearer] }),
    };
    return createClient(service, over[transport]());
  }

  return {
    urls,
    reached,
    campaigns: (transport, authorization) => client(CampaignService, transport, authorization),
    events: (transport, authorization) => client(EventService, transport, authorization),
    redemptions: (transport, authorization) => client(RedemptionService, transport, authorization),
    async newestClosed(port) {
      await newest.get(port);
    },
    async close() {
      sessionManager.abort();
      app.http.closeAllConnections();
      await Promise.all(
        [app.http, app.grpc].map((server) => new Promise((resolve) => server.close(resolve))),
      );
    },
  };
}

/** What a call was refused with; undefined: it was answered. */
export async function refusalIn(answer: Promise<unknown> | AsyncIterable<unknown>) {
  try {
    if (Symbol.asyncIterator in answer) for await (const _ of answer);
    else await answer;
    return undefined;
  } catch (error) {
    const failure = ConnectError.from(error);
    const [detail] = failure.findDetails(RefusalSchema);
    return { code: failure.code, message: failure.rawMessage, reason: detail?.reason };
  }
}
