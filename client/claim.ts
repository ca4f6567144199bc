import type { Answered } from "./ask-again.ts";
import { type Caller, type CallOptions, callUntilDefinite } from "./caller.ts";
import { issueCoupon } from "./contract.ts";
import { couponOf } from "./coupon.ts";
import type { Failure } from "./failure.ts";
import type { ClaimOutcome } from "./outcome.ts";
import type { RequestKeys } from "./request-keys.ts";

export type ClaimOptions = CallOptions & {
  /** The user that claims: the key of a one-per-user campaign. With a token: that of the token, or absent. */
  readonly userId?: string | undefined;
  /**
   * The key of any other campaign, together with `userId` where it gives each user several; default: made,
   * and kept in the storage, by campaign and user.
   */
  readonly requestId?: string | undefined;
  /**
   * True: before the start, wait until the instant that the service names, and claim then. False (default):
   * the outcome is `notStarted`.
   */
  readonly waitForStart?: boolean | undefined;
};

/** A longer wait is asked about in between: an operator may have moved the start. */
const START_WAIT_MOST_MS = 5 * 60_000;

/**
 * Asks for a coupon, with the same key until the answer is definite.
 * @throws the signal's reason
 */
export async function claim(
  caller: Caller,
  keys: RequestKeys,
  campaignId: string,
  { userId = "", requestId: given, waitForStart = false, ...options }: ClaimOptions,
): Promise<ClaimOutcome> {
  options.signal?.throwIfAborted();
  // Sent beside a user id, too: the campaign decides which of them is the key.
  const requestId = given || (await keys.keyFor(campaignId, userId));
  return callUntilDefinite<typeof issueCoupon.input, typeof issueCoupon.output, ClaimOutcome>(
    caller,
    issueCoupon,
    { campaignId, userId, requestId },
    {
      onAnswer(message) {
        const coupon = couponOf(message.coupon, campaignId);
        return coupon && { kind: "issued", requestId, coupon, replayed: message.replayed };
      },
      onFailure: (failure) => refused(failure, requestId, waitForStart),
    },
    options,
  ).then((outcome) => ({ requestId, ...outcome }));
}

function refused(
  failure: Failure,
  requestId: string,
  waitForStart: boolean,
): Answered<ClaimOutcome> | undefined {
  const { reason, startsAt, retryAfterMs } = failure;
  switch (reason) {
    case "NOT_STARTED": {
      const waitMs = Math.min(retryAfterMs, START_WAIT_MOST_MS);
      const again = waitForStart ? { retryAfterMs: waitMs, isPaced: waitMs > 0 } : undefined;
      return { answer: { kind: "notStarted", requestId, startsAt, retryAfterMs }, again };
    }
    case "SOLD_OUT":
      return { answer: { kind: "soldOut", requestId } };
    case "MAX_PER_USER":
      return { answer: { kind: "maxPerUser", requestId } };
    case "ENDED":
      return { answer: { kind: "ended", requestId } };
    case "CANCELLED":
      return { answer: { kind: "cancelled", requestId } };
    case "PAUSED":
      return { answer: { kind: "paused", requestId, retryAfterMs } };
    default:
      return undefined;
  }
}
