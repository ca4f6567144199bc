import { isEqual } from "./bytes.mjs";
import { keyHashOf } from "./leaves.mjs";
import { bytesIn, Refused } from "./statement.mjs";

/**
 * Whose a coupon or a refusal is: the user, the request, or both, whatever the campaign's claims are made by.
 *
 * @typedef {{ user?: string | undefined, request?: string | undefined }} Holder
 */

/** Between the user and the request of a claim key that has both. */
const SEPARATOR = "\u001f";

/**
 * Whether the holder was given, and so opens the hash of the key.
 *
 * @param {import("./merkle.mjs").Sha256} sha256
 * @param {Record<string, unknown>} object that has the salt of the key
 * @param {Uint8Array} keyHash
 * @param {Holder} holder
 * @param {string} what the object is
 * @throws Refused where another holder was given
 */
export function opensKey(sha256, object, keyHash, { user, request }, what) {
  if (user === undefined && request === undefined) return false;
  const keys = [
    ...(user === undefined ? [] : [user]),
    ...(request === undefined ? [] : [request]),
    ...(user === undefined || request === undefined ? [] : [`${user}${SEPARATOR}${request}`]),
  ];
  const salt = bytesIn(object, "keySalt", 32);
  if (keys.some((key) => isEqual(keyHash, keyHashOf(sha256, salt, key)))) return true;
  const advice = request === undefined ? ": where a user may have several, give the request id too" : "";
  throw new Refused("user", `${what} is of another holder than the one that was given${advice}`);
}
