import { type Caller, type CallOptions, callUntilDefinite } from "./caller.ts";
import { findCoupon, getCampaignStatus } from "./contract.ts";
import { couponOf } from "./coupon.ts";
import type { FindOutcome, StatusOutcome } from "./outcome.ts";
import { statusOf } from "./status.ts";

/** One of them; none with a token, where the campaign is one-per-user. */
export type FindBy = {
  readonly userId?: string | undefined;
  readonly requestId?: string | undefined;
  /** As its holder types it: any Unicode form, spaces and hyphens ignored. */
  readonly code?: string | undefined;
};

/** @throws the signal's reason */
export function find(
  caller: Caller,
  campaignId: string,
  { userId = "", requestId = "", code = "" }: FindBy,
  options: CallOptions,
): Promise<FindOutcome> {
  return callUntilDefinite<typeof findCoupon.input, typeof findCoupon.output, FindOutcome>(
    caller,
    findCoupon,
    { campaignId, userId, requestId, code },
    {
      onAnswer(message) {
        const coupon = couponOf(message.coupon, campaignId);
        return coupon && { kind: "found", coupon };
      },
      onFailure({ reason, message }) {
        if (reason === "NO_COUPON") return { answer: { kind: "none" } };
        const isMistyped = reason === "INVALID" && code !== "" && message.startsWith("code:");
        return isMistyped ? { answer: { kind: "mistyped", message } } : undefined;
      },
    },
    options,
  );
}

/** @throws the signal's reason */
export function status(caller: Caller, campaignId: string, options: CallOptions): Promise<StatusOutcome> {
  return callUntilDefinite<typeof getCampaignStatus.input, typeof getCampaignStatus.output, StatusOutcome>(
    // Public: without a credential the browser sends it to another origin without a preflight.
    { ...caller, token: undefined },
    getCampaignStatus,
    { campaignId },
    {
      onAnswer(message) {
        const status = statusOf(message);
        return status && { kind: "status", ...status };
      },
    },
    options,
  );
}
