import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { fromBinary, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { IssueCouponResponseSchema } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { type Answer, type Ask, answerOfCoupon, answerOfRefusal, unknownAnswer } from "./answer.ts";

export const ISSUE_PATH = "/coupon.v1.CouponService/IssueCoupon";

export type HttpClient = { readonly ask: Ask; close(): void };

/**
 * The field with the claim key: the user id where the campaign is one-per-user, both where each user may have
 * several (the claim key is then of user, U+001F and request id), else the request id.
 */
export type KeyField = "userId" | "requestId" | "both";

/** Between user and request id in a claim key of both. */
export const KEY_SEPARATOR = "\u001f";

function keyFields(claimKey: string, keyField: KeyField): Readonly<Record<string, string>> {
  if (keyField !== "both") return { [keyField]: claimKey };
  const at = claimKey.indexOf(KEY_SEPARATOR);
  return { userId: claimKey.slice(0, at), requestId: claimKey.slice(at + KEY_SEPARATOR.length) };
}

/**
 * The same requests as the Connect client makes (Connect protocol, JSON, HTTP/1.1, connections kept alive),
 * written directly on node:http, because the load shares two cores with the service that it measures: 0.20 ms
 * of processor time a request against 0.46 ms (measured at 1,000/s).
 */
export function createHttpClient(
  baseUrl: string,
  socketsMax: number,
  keyField: KeyField = "userId",
  authorizationOf?: (claimKey: string) => string,
): HttpClient {
  const url = new URL(`${baseUrl.replace(/\/$/, "")}${ISSUE_PATH}`);
  const isSecure = url.protocol === "https:";
  const request = isSecure ? requestHttps : requestHttp;
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: socketsMax,
    scheduling: "lifo",
  });
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const target = { host, port: url.port, path: url.pathname, method: "POST", agent };

  const ask: Ask = (campaignId, claimKey, timeoutMs) =>
    new Promise((resolve) => {
      const body = Buffer.from(JSON.stringify({ campaignId, ...keyFields(claimKey, keyField) }));
      const headers = {
        "content-type": "application/json",
        "connect-protocol-version": "1",
        "connect-timeout-ms": String(timeoutMs),
        "content-length": body.length,
        ...(authorizationOf === undefined ? {} : { authorization: authorizationOf(claimKey) }),
      };
      const timer = setTimeout(() => sent.destroy(new Error("timed out")), timeoutMs);
      const settle = (answer: Answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const sent = request({ ...target, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          settle(answerOf(response.statusCode ?? 0, Buffer.concat(parts).toString(), campaignId)),
        );
        response.on("error", (error) => settle(unknownAnswer(error.message)));
      });
      sent.on("error", (error) => settle(unknownAnswer(error.message)));
      sent.end(body);
    });
  return { ask, close: () => agent.destroy() };
}

/** Reads an HTTP answer; a body that does not follow the contract becomes an `unknown` outcome. */
export function answerOf(status: number, body: string, campaignId: string): Answer {
  try {
    const json: unknown = JSON.parse(body);
    if (status === 200) {
      const { coupon, replayed } = fromJson(IssueCouponResponseSchema, json as JsonValue);
      return answerOfCoupon(coupon, replayed, campaignId);
    }
    const { code, details = [] } = json as {
      code?: string;
      details?: readonly { type?: string; value?: string }[];
    };
    const detail = details.find(({ type }) => type === RefusalSchema.typeName);
    const refusal =
      detail?.value === undefined ? undefined : fromBinary(RefusalSchema, base64Decode(detail.value));
    return answerOfRefusal(refusal, code ?? `HTTP ${status}`);
  } catch (error) {
    return unknownAnswer(`HTTP ${status}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
