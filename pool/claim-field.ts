/** No user id and no request id has it: control characters are refused in both. */
export const SEPARATOR = "\u001f";

export type Bound = { readonly claimKey: string; readonly userId: string; readonly place?: number };

/**
 * The field of the pool's claims that binds a claim. Where a user may have several coupons up to a number, it
 * is the user and the claim's place, so that no user can have more fields than places; anywhere else the
 * claim key.
 */
export function fieldOf({ claimKey, userId, place }: Bound): string {
  return place === undefined ? claimKey : `${userId}${SEPARATOR}${place}`;
}

/** The request id at the end of a claim key of a user and a request. */
export function requestIn({ claimKey, userId }: Bound): string {
  return claimKey.slice(userId.length + SEPARATOR.length);
}

/** The user id at the beginning of such a claim key. */
export function userIn(claimKey: string): string {
  return claimKey.slice(0, claimKey.indexOf(SEPARATOR));
}
