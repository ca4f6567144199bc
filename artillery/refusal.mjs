/**
 * The `Refusal` detail of a Connect error, read without the service's generated code: reason and
 * retry_after_ms are its two varint fields. tests/artillery/artillery.test.ts compares it with the contract.
 */

import { fieldsOf } from "./binary.mjs";

/** The reasons by number, as in proto/coupon/v1/refusal.proto. */
export const REASONS = /** @type {const} */ ([
  "UNSPECIFIED",
  "NOT_STARTED",
  "ENDED",
  "CANCELLED",
  "PAUSED",
  "NOT_READY",
  "SOLD_OUT",
  "UNKNOWN_CAMPAIGN",
  "NO_COUPON",
  "INVALID",
  "OVERLOADED",
  "UNCERTAIN",
  "CONFLICT",
  "NOT_ALLOWED",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "RATE_LIMITED",
  "DEADLINE_EXCEEDED",
  "UNKNOWN_SINK",
  "SINK_EXISTS",
  "TOO_MANY_SINKS",
  "NOT_VALID_YET",
  "VALIDITY_OVER",
  "VOIDED",
  "RESERVED",
  "REDEEMED",
  "NO_RESERVATION",
  "RESERVATION_OVER",
  "MAX_PER_USER",
]);

const TYPE = "coupon.v1.Refusal";
const REASON_FIELD = 1;
const RETRY_AFTER_FIELD = 4;

/**
 * @param {unknown} error the JSON body of an error answer
 * @returns {{ reason: string, retryAfterMs: number } | undefined} undefined: it carries no refusal
 */
export function refusalOf(error) {
  const details = /** @type {{ details?: { type?: string, value?: string }[] }} */ (error)?.details;
  const value = Array.isArray(details) ? details.find((detail) => detail.type === TYPE)?.value : undefined;
  if (typeof value !== "string") return undefined;
  const fields = fieldsOf(Buffer.from(value, "base64"));
  const reason = Number(fields.get(REASON_FIELD) ?? 0);
  return {
    reason: REASONS[reason] ?? `REFUSAL_REASON_${reason}`,
    retryAfterMs: Number(fields.get(RETRY_AFTER_FIELD) ?? 0),
  };
}
