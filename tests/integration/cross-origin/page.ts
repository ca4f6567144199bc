import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { enumName } from "../../../proto/enum-name.ts";
import { CouponService } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReasonSchema, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";

/** The script of a shop's page, as it is bundled for a browser. */

const TRANSPORTS = {
  "Connect, JSON": (baseUrl: string) => createConnectTransport({ baseUrl }),
  "Connect, binary": (baseUrl: string) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "gRPC-Web": (baseUrl: string) => createGrpcWebTransport({ baseUrl }),
};

export type PageTransport = keyof typeof TRANSPORTS;
/** A code, the reason of a refusal, or what the browser told the page instead of an answer. */
export type Read = { readonly code?: string; readonly reason?: string; readonly unread?: string };

export type Page = {
  claim(name: PageTransport, url: string, campaignId: string, userId: string): Promise<Read>;
  /** Without a library. */
  claimByFetch(url: string, campaignId: string, userId: string): Promise<Read>;
  /** Lists campaigns as an operator; returns the status of HTTP. */
  operate(url: string, token: string): Promise<number | string>;
};

const page: Page = {
  async claim(name, url, campaignId, userId) {
    const client = createClient(CouponService, TRANSPORTS[name](url));
    try {
      const headers = { authorization: "Bearer a-token", "x-challenge-token": "a-challenge" };
      const { coupon } = await client.issueCoupon({ campaignId, userId }, { timeoutMs: 60_000, headers });
      return { code: coupon?.code ?? "" };
    } catch (error) {
      const failure = ConnectError.from(error);
      const [refusal] = failure.findDetails(RefusalSchema);
      if (refusal !== undefined) return { reason: enumName(RefusalReasonSchema, refusal.reason) };
      return { unread: `${Code[failure.code]}: ${failure.rawMessage}` };
    }
  },
  async claimByFetch(url, campaignId, userId) {
    try {
      const response = await fetch(`${url}/coupon.v1.CouponService/IssueCoupon`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ campaignId, userId }),
      });
      const json = await response.json();
      return response.ok ? { code: json.coupon.code } : { reason: json.details[0].debug.reason };
    } catch (error) {
      return { unread: String(error) };
    }
  },
  async operate(url, token) {
    try {
      const { status } = await fetch(`${url}/coupon.v1.CampaignService/ListCampaigns`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: "{}",
      });
      return status;
    } catch (error) {
      return String(error);
    }
  },
};

Object.assign(globalThis, { page });
