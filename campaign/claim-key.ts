/** No user id and no request id has it: control characters are refused in both. */
const SEPARATOR = "\u001f";

/**
 * The claim key of a user's request, where a user may have several coupons and tokens prove who asks: with
 * the request id alone, a user who sends another's request id would be answered that one's coupon.
 */
export function claimKeyOf(userId: string, requestId: string): string {
  return `${userId}${SEPARATOR}${requestId}`;
}

/** The request id in a claim key, as the caller sent it. */
export function requestIdOf(claimKey: string): string {
  return claimKey.slice(claimKey.indexOf(SEPARATOR) + 1);
}
