import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Coupon } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { IssueCouponResponse } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { type Refusal, RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";

/** A coupon in plain values; two are equal if all properties that must never change are equal. */
export type Held = { readonly code: string; readonly seq: number; readonly issuedAtMs: number };

const REASONS = Object.keys(RefusalReason) as (keyof typeof RefusalReason)[];

export type Refused = {
  readonly code: Code;
  readonly message: string;
  readonly reason: keyof typeof RefusalReason;
  readonly detail: Refusal | undefined;
};

export function held(coupon: Coupon | undefined): Held {
  if (coupon?.issuedAt === undefined) throw new Error("an answer without a whole coupon");
  return { code: coupon.code, seq: coupon.seq, issuedAtMs: timestampMs(coupon.issuedAt) };
}

/** The refusal of a rejected call. Rethrows any error that is no ConnectError. */
export function refusedBy(error: unknown): Refused {
  if (!(error instanceof ConnectError)) throw error;
  const [detail] = error.findDetails(RefusalSchema);
  const reason = REASONS.find((name) => RefusalReason[name] === (detail?.reason ?? 0)) ?? "UNSPECIFIED";
  return { code: error.code, message: error.rawMessage, reason, detail };
}

/** The refusal of a call; fails if the call succeeded. */
export async function refusal(call: Promise<unknown>): Promise<Refused> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    return refusedBy(error);
  }
  throw new Error(
    `expected a refusal, got ${JSON.stringify(answer, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`,
  );
}

/** One request and its answer, on the clocks of this process. */
export type Answer = {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
} & (
  | { readonly kind: "coupon"; readonly held: Held; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly refused: Refused }
);

/** Asks once. Takes `Date.now()` before and after: the services run on the same machine and clock. */
export async function answerOf(call: () => Promise<IssueCouponResponse>): Promise<Answer> {
  const askedAtMs = Date.now();
  try {
    const { coupon, replayed } = await call();
    return { askedAtMs, answeredAtMs: Date.now(), kind: "coupon", held: held(coupon), replayed };
  } catch (error) {
    return { askedAtMs, answeredAtMs: Date.now(), kind: "refused", refused: refusedBy(error) };
  }
}

/** Whether the answer asks for a retry with the same key: it is uncertain, or the claim was not tried. */
export function isUncertain(answer: Answer): boolean {
  return answer.kind === "refused" && answer.refused.code === Code.Unavailable;
}
