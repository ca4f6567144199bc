import { createHash } from "node:crypto";

/** The parts of settings that list hashed keys: CLAIM_KEYS and OPERATOR_KEYS. */

const KEYS_MAX = 100;
/** The known beginning of the keys that are made here, by which scanners for leaked secrets find them. */
export const OPERATOR_KEY_PREFIX = "coupon_op_";
const DIGEST = /^[0-9a-f]{64}$/;

/** The SHA-256 of a key in lower-case hex, as the settings have it. */
export function sha256Of(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Whether a text is a SHA-256 in lower-case hex. */
export const isSha256 = (text: string): boolean => DIGEST.test(text);

/** The keys of a list, with commas, blanks or line ends between them. */
export function keyTexts(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

/** What is wrong with the number of keys; undefined: nothing. */
export function keyCountTrouble(keys: readonly string[]): string | undefined {
  return keys.length === 0 || keys.length > KEYS_MAX ? `must have 1 to ${KEYS_MAX} keys` : undefined;
}
