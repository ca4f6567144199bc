/**
 * Settings that hold URLs with a user and password in them, and settings that are secrets themselves: of the
 * service, of the local stack, of `coupon`.
 */
export const URL_SETTINGS = ["REDIS_URL", "MONGODB_URL", "COUPON_URL"] as const;
export const SECRET_SETTINGS = [
  "OPERATOR_TOKEN",
  "OPERATOR_KEYS",
  "CLAIM_TOKEN_SECRET",
  "CLAIM_KEYS",
  "CLAIM_HOOK_SECRET",
  "COUPON_TOKEN",
] as const;
/** Those of them that hold several secrets, with blanks, line ends or commas between them. */
export const SECRET_LISTS = ["OPERATOR_KEYS", "CLAIM_TOKEN_SECRET", "CLAIM_KEYS"] as const;

/** Whether an error about a setting must not repeat its value. */
export function isSecretSetting(name: string): boolean {
  return [...URL_SETTINGS, ...SECRET_SETTINGS].some((secret) => secret === name);
}
