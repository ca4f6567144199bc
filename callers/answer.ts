import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Outcome } from "../audit/history.ts";
import { enumName } from "../proto/enum-name.ts";
import type { Coupon } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { type Refusal, RefusalReason, RefusalReasonSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";

/** An answer as the history keeps it, and in how long asking again makes sense. */
export type Answer = { readonly outcome: Outcome; readonly retryAfterMs: number };

/** Asks for a coupon once. Never rejects: what is not a definite answer is an `unknown` one. */
export type Ask = (campaignId: string, claimKey: string, timeoutMs: number) => Promise<Answer>;

export function answerOfCoupon(coupon: Coupon | undefined, replayed: boolean, campaignId: string): Answer {
  if (coupon?.issuedAt === undefined || coupon.campaignId !== campaignId || coupon.code === "")
    return unknownAnswer("an answer without a whole coupon");
  const { code, seq, issuedAt } = coupon;
  return {
    outcome: { kind: "issued", code, seq, issuedAtMs: timestampMs(issuedAt), replayed },
    retryAfterMs: 0,
  };
}

/** `otherwise`: what is known of an error that carries no refusal. */
export function answerOfRefusal(refusal: Refusal | undefined, otherwise: string): Answer {
  if (refusal === undefined) return unknownAnswer(otherwise);
  const reason = enumName(RefusalReasonSchema, refusal.reason);
  const retryAfterMs = Number(refusal.retryAfterMs);
  if (refusal.reason === RefusalReason.UNCERTAIN) return unknownAnswer(reason, retryAfterMs);
  return { outcome: { kind: "refused", reason }, retryAfterMs };
}

export function unknownAnswer(message: string, retryAfterMs = 0): Answer {
  return { outcome: { kind: "unknown", message }, retryAfterMs };
}
