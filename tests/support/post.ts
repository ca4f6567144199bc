import { fromBinary } from "@bufbuild/protobuf";
import { type Refusal, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";

export type Reply = {
  readonly status: number;
  readonly contentType: string;
  /** The body as JSON; undefined: it is no JSON. */
  readonly json: Record<string, unknown> | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly refusal: Refusal | undefined;
};

type Detail = { readonly type: string; readonly value: string };

/** Sends a body to an RPC like curl, without a client library; to that of operators, with their token. */
export async function post(
  baseUrl: string,
  method: `${"CouponService" | "CampaignService" | "EventService" | "RedemptionService"}/${string}`,
  body: string | Uint8Array<ArrayBuffer> | object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const response = await fetch(new URL(`/coupon.v1.${method}`, baseUrl), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(method.startsWith("CouponService/") ? {} : { authorization: `Bearer ${OPERATOR_TOKEN}` }),
      ...headers,
    },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  return read(response);
}

export async function read(response: Response): Promise<Reply> {
  const text = await response.text();
  let json: Record<string, unknown> | undefined;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    json = undefined;
  }
  const details = (json?.["details"] ?? []) as readonly Detail[];
  const detail = details.find(({ type }) => type === "coupon.v1.Refusal");
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    json,
    code: json?.["code"] as string | undefined,
    message: String(json?.["message"] ?? text),
    refusal: detail && fromBinary(RefusalSchema, Buffer.from(detail.value, "base64")),
  };
}
