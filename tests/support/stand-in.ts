import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type Campaign,
  CampaignSchema,
  CampaignState,
  type Coupon,
  CouponSchema,
} from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";

/**
 * Stands for the remote service of the CLI, over real HTTP: each test gives the answers that it needs.
 */
export interface StandIn {
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
  /** Resets every connection, as a crashing server does. */
  breakConnections(): void;
  close(): Promise<void>;
}

export interface Answers {
  readonly campaigns?: Partial<ServiceImpl<typeof CampaignService>>;
  readonly coupons?: Partial<ServiceImpl<typeof CouponService>>;
  readonly events?: Partial<ServiceImpl<typeof EventService>>;
  readonly redemptions?: Partial<ServiceImpl<typeof RedemptionService>>;
}

export async function startStandIn(answers: Answers, port = 0): Promise<StandIn> {
  const sockets = new Set<Socket>();
  const requests: IncomingMessage[] = [];
  const handler = connectNodeAdapter({
    routes(router) {
      router.service(CampaignService, answers.campaigns ?? {});
      router.service(CouponService, answers.coupons ?? {});
      router.service(EventService, answers.events ?? {});
      router.service(RedemptionService, answers.redemptions ?? {});
    },
  });
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const breakConnections = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    breakConnections,
    close() {
      breakConnections();
      return new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      });
    },
  };
}

export const startMs = Date.UTC(2026, 11, 24, 11, 0, 0);
export const campaignId = "01JSTANDIN0000000000000000";

export function campaign(init: Partial<Omit<Campaign, "$typeName" | "$unknown">> = {}): Campaign {
  return create(CampaignSchema, {
    id: campaignId,
    name: "크리스마스",
    state: CampaignState.SCHEDULED,
    total: 1000,
    generated: 1000,
    issued: 0,
    startsAt: timestampFromMs(startMs),
    createdAt: timestampFromMs(startMs - 3_600_000),
    onePerUser: true,
    codeFormat: "가가가가가가0000",
    generation: 1,
    ...init,
  });
}

export function coupon(seq: number, code = `가나다라마바${String(seq).padStart(4, "0")}`): Coupon {
  return create(CouponSchema, { code, campaignId, seq, issuedAt: timestampFromMs(startMs + seq) });
}

/** A refusal, in the form in which the service sends it. */
export function refusal(
  code: Code,
  reason: number,
  more: {
    startsAtMs?: number;
    retryAfterMs?: number;
    message?: string;
    state?: CampaignState;
    allowed?: string[];
  } = {},
): ConnectError {
  const detail = {
    reason,
    serverTime: timestampFromMs(startMs - 60_000),
    retryAfterMs: BigInt(more.retryAfterMs ?? 0),
    state: more.state ?? CampaignState.UNSPECIFIED,
    allowed: more.allowed ?? [],
    ...(more.startsAtMs === undefined ? {} : { startsAt: timestampFromMs(more.startsAtMs) }),
  };
  const message = more.message ?? `${Code[code]} from the service`;
  return new ConnectError(message, code, undefined, [{ desc: RefusalSchema, value: detail }]);
}
