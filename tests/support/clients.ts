import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";
import { refusedIsUnavailable } from "./refused-stream.ts";

/** Real clients of all services over one transport. */
export type Clients = {
  readonly coupons: Client<typeof CouponService>;
  readonly campaigns: Client<typeof CampaignService>;
  readonly events: Client<typeof EventService>;
  readonly redemptions: Client<typeof RedemptionService>;
};

export function clientsOver(transport: Transport): Clients {
  return {
    coupons: createClient(CouponService, transport),
    campaigns: createClient(CampaignService, transport),
    events: createClient(EventService, transport),
    redemptions: createClient(RedemptionService, transport),
  };
}

/** `token`: of operators; null: none is sent. */
export type ConnectOptions = { readonly json?: boolean; readonly token?: string | null };

/** Clients over Connect and HTTP/1.1; binary by default. */
export function connectClients(
  baseUrl: string,
  { json = false, token = OPERATOR_TOKEN }: ConnectOptions = {},
): Clients {
  const interceptors = [bearer(token)];
  return clientsOver(
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: !json, interceptors }),
  );
}

export function grpcWebClients(baseUrl: string): Clients {
  const interceptors = [bearer(OPERATOR_TOKEN)];
  return clientsOver(createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors }));
}

/** Clients over gRPC and h2c; `close` ends the session, which would keep the process alive. */
export function grpcClients(
  baseUrl: string,
  token: string | null = OPERATOR_TOKEN,
): Clients & { close(): void } {
  const sessionManager = new Http2SessionManager(baseUrl);
  const interceptors = [bearer(token), refusedIsUnavailable];
  return {
    ...clientsOver(createGrpcTransport({ baseUrl, sessionManager, interceptors })),
    close: () => sessionManager.abort(),
  };
}

/** The callers' service gets no credential of operators. */
function bearer(token: string | null): Interceptor {
  return (next) => (request) => {
    if (token !== null && request.service.typeName !== CouponService.typeName)
      request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
