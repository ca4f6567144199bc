/**
 * Settings that hold URLs with a user and password in them, and settings that are secrets themselves: of the
 * service, of the local stack, of `coupon`.
 */
export const URL_SETTINGS = ["REDIS_URL", "MONGODB_URL", "COUPON_URL", "SENTRY_DSN"] as const;
export const SECRET_SETTINGS = [
  "OPERATOR_TOKEN",
  "OPERATOR_KEYS",
  "CLAIM_TOKEN_SECRET",
  "CLAIM_KEYS",
  "CLAIM_HOOK_SECRET",
  "ERASURE_KEY",
  "CERTIFICATE_KEY",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  "COUPON_TOKEN",
] as const;
/** Those of them that hold several secrets, with blanks, line ends or commas between them. */
export const SECRET_LISTS = ["OPERATOR_KEYS", "CLAIM_TOKEN_SECRET", "CLAIM_KEYS"] as const;

/** Those that hold pairs `name=value`, with commas between them. */
export const SECRET_PAIRS = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] as const;

/** Whether an error about a setting must not repeat its value. */
export function isSecretSetting(name: string): boolean {
  return [...URL_SETTINGS, ...SECRET_SETTINGS].some((secret) => secret === name);
}
