import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { refusedIsUnavailable } from "./refused-stream.ts";

/** Real clients of both services over one transport. */
export type Clients = {
  readonly coupons: Client<typeof CouponService>;
  readonly campaigns: Client<typeof CampaignService>;
};

export function clientsOver(transport: Transport): Clients {
  return {
    coupons: createClient(CouponService, transport),
    campaigns: createClient(CampaignService, transport),
  };
}

export type ConnectOptions = { readonly json?: boolean; readonly token?: string };

/** Clients over Connect and HTTP/1.1; binary by default. */
export function connectClients(baseUrl: string, { json = false, token }: ConnectOptions = {}): Clients {
  const bearer: Interceptor = (next) => (request) => {
    if (token !== undefined) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return clientsOver(
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: !json, interceptors: [bearer] }),
  );
}

export function grpcWebClients(baseUrl: string): Clients {
  return clientsOver(createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }));
}

/** Clients over gRPC and h2c; `close` ends the session, which would keep the process alive. */
export function grpcClients(baseUrl: string): Clients & { close(): void } {
  const sessionManager = new Http2SessionManager(baseUrl);
  return {
    ...clientsOver(createGrpcTransport({ baseUrl, sessionManager, interceptors: [refusedIsUnavailable] })),
    close: () => sessionManager.abort(),
  };
}
