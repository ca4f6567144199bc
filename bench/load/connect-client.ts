import { Agent } from "node:http";
import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type Ask, answerOfCoupon, answerOfRefusal } from "../../callers/answer.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { askAgain } from "./ask-again.ts";

const SOCKETS_MAX = 256;

export type Clients = {
  readonly coupons: Client<typeof CouponService>;
  readonly campaigns: Client<typeof CampaignService>;
  readonly events: Client<typeof EventService>;
  close(): void;
};

/**
 * The Connect client of the API, as a web server would use it: Connect, JSON, HTTP/1.1, connections kept
 * alive. (Over HTTP/2 the service could refuse a stream of it.)
 */
export function connectClients(baseUrl: string, operatorToken?: string): Clients {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, scheduling: "lifo" });
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    useBinaryFormat: false,
    nodeOptions: { agent },
    interceptors: operatorToken === undefined ? [askAgain] : [askAgain, bearer(operatorToken)],
  });
  return {
    coupons: createClient(CouponService, transport),
    campaigns: createClient(CampaignService, transport),
    events: createClient(EventService, transport),
    close: () => agent.destroy(),
  };
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}

/**
 * Asks through the whole Connect library, which takes more than twice the processor time of
 * `createHttpClient`.
 */
export function askByConnect(coupons: Clients["coupons"]): Ask {
  return async (campaignId, userId, timeoutMs) => {
    try {
      const { coupon, replayed } = await coupons.issueCoupon({ campaignId, userId }, { timeoutMs });
      return answerOfCoupon(coupon, replayed, campaignId);
    } catch (error) {
      const failure = ConnectError.from(error);
      const [refusal] = failure.findDetails(RefusalSchema);
      return answerOfRefusal(refusal, Code[failure.code] ?? "error");
    }
  };
}
