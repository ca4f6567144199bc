import { SEPARATOR } from "../pool/claim-field.ts";

/**
 * The claim key of a user's request, where a user may have several coupons and tokens prove who asks: with
 * the request id alone, a user who sends another's request id would be answered that one's coupon. And where
 * a user may have so many and no more.
 */
export function claimKeyOf(userId: string, requestId: string): string {
  return `${userId}${SEPARATOR}${requestId}`;
}

/** The claim keys of all requests of a user, as `claimKeyOf` makes them: those between these two texts. */
export function claimKeysOf(userId: string): { readonly above: string; readonly below: string } {
  // A blank is the next character after the separator.
  return { above: `${userId}${SEPARATOR}`, below: `${userId} ` };
}

/** The request id in a claim key, as the caller sent it. */
export function requestIdOf(claimKey: string): string {
  return claimKey.slice(claimKey.indexOf(SEPARATOR) + 1);
}
