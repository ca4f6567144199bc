import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Outcome } from "../audit/history.ts";
import { enumName } from "../proto/enum-name.ts";
import type { Coupon } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { type Refusal, RefusalReason, RefusalReasonSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";

/** The outcome of a try in the form of the history, and the time after which another try makes sense. */
export type Answer = { readonly outcome: Outcome; readonly retryAfterMs: number };

/** Asks for a coupon once. Never rejects: an answer that is not definite becomes an `unknown` outcome. */
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

/** `otherwise`: the message of an error that carries no refusal. */
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
