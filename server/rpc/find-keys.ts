import type { Admitted } from "../../access/authorize.ts";
import { claimKeyOf } from "../../campaign/claim-key.ts";
import { type Valid, valid, validKey } from "../../campaign/valid.ts";
import type { KnownCampaign } from "../../claims/campaign-cache.ts";

/** The fields of a FindCoupon request; empty: not given. */
export type FindRequest = {
  readonly campaignId: string;
  readonly userId: string;
  readonly requestId: string;
  readonly code: string;
};

/** Whether both user and request id are given where one of them is the key. A token names its user anyway. */
export function hasTooMany({ userId, requestId }: FindRequest, { maxPerUser }: KnownCampaign): boolean {
  return maxPerUser === 1 && userId !== "" && requestId !== "";
}

/** The claim key that a request without a code looks up. */
export function claimKeyIn(
  request: FindRequest,
  { onePerUser, maxPerUser }: KnownCampaign,
  admitted: Admitted,
): Valid<string> {
  if (maxPerUser > 1) {
    const user = validKey("user_id", admitted.userId);
    const own = user.ok ? validKey("request_id", request.requestId) : user;
    return own.ok ? valid(claimKeyOf(admitted.userId, own.value)) : own;
  }
  const field = onePerUser ? "user_id" : "request_id";
  const given = onePerUser ? admitted.userId : request.requestId;
  if (given === "" || (onePerUser && request.requestId !== "")) {
    const other = onePerUser ? "one coupon per user" : "coupons by request, not by user";
    const allowed = `is the key to look up here: the campaign gives ${other}`;
    return { ok: false, refusal: { reason: "INVALID", field, allowed } };
  }
  const key = validKey(field, given);
  return key.ok && admitted.isProven && !onePerUser ? valid(claimKeyOf(admitted.userId, key.value)) : key;
}
