import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { CampaignService } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { Settings } from "./settings.ts";

export type CampaignClient = Client<typeof CampaignService>;
export type EventClient = Client<typeof EventService>;
export type RedemptionClient = Client<typeof RedemptionService>;
export type CouponClient = Client<typeof CouponService>;

export interface Clients {
  readonly campaigns: CampaignClient;
  readonly coupons: CouponClient;
  readonly events: EventClient;
  readonly redemptions: RedemptionClient;
}

const maxAnswerBytes = 64 * 1024 * 1024;
const maxRequestBytes = 64 * 1024;

/**
 * Over HTTP/1.1, where no stream can be refused: a call that was not tried has a connection error, which is
 * retried (`--retries`).
 */
export function openClients(settings: Settings): Clients {
  const { claim } = settings;
  const operatorNow = () => settings.token ?? settings.login.freshToken?.();
  const transport = createConnectTransport({
    baseUrl: settings.url,
    httpVersion: "1.1",
    ...(settings.clientCertificate === undefined ? {} : { nodeOptions: settings.clientCertificate }),
    interceptors: [
      bearerFor(CampaignService, operatorNow),
      bearerFor(EventService, operatorNow),
      bearerFor(RedemptionService, operatorNow),
      bearerFor(CouponService, () => claim.credential),
    ],
    readMaxBytes: maxAnswerBytes,
    writeMaxBytes: maxRequestBytes,
  });
  return {
    campaigns: createClient(CampaignService, transport),
    coupons: createClient(CouponService, transport),
    events: createClient(EventService, transport),
    redemptions: createClient(RedemptionService, transport),
  };
}

/**
 * A credential is sent with calls of its own service only. Asked for at each call: a long command outlives an
 * access token.
 */
function bearerFor(
  service: DescService,
  credentialNow: () => string | undefined | Promise<string>,
): Interceptor {
  return (next) => async (request) => {
    if (request.service.typeName !== service.typeName) return next(request);
    const credential = await credentialNow();
    if (credential !== undefined) request.header.set("authorization", `Bearer ${credential}`);
    return next(request);
  };
}
