/**
 * The `Refusal` detail of a Connect error, read without the service's generated code: reason and retry_after_ms are its two
 * varint fields. Kept in step with the contract by tests/audit/artillery.test.ts.
 */

/** By number, as in proto/coupon/v1/refusal.proto. */
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
]);

const TYPE = "coupon.v1.Refusal";
const REASON_FIELD = 1;
const RETRY_AFTER_FIELD = 4;
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * @param {unknown} error the JSON body of an error answer
 * @returns {{ reason: string, retryAfterMs: number } | undefined} undefined: it carries no refusal
 */
export function refusalOf(error) {
  const details = /** @type {{ details?: { type?: string, value?: string }[] }} */ (error)?.details;
  const value = Array.isArray(details) ? details.find((detail) => detail.type === TYPE)?.value : undefined;
  if (typeof value !== "string") return undefined;
  const fields = varintFields(Buffer.from(value, "base64"));
  return {
    reason: REASONS[fields.get(REASON_FIELD) ?? 0] ?? "UNSPECIFIED",
    retryAfterMs: fields.get(RETRY_AFTER_FIELD) ?? 0,
  };
}

/**
 * @param {Buffer} bytes
 * @returns {Map<number, number>} the varint fields by number; messages within are passed over
 */
function varintFields(bytes) {
  const fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    throw new Error("a varint is cut off");
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag % 8;
    if (type === VARINT) {
      fields.set(Math.floor(tag / 8), varint());
    } else if (type === LENGTH_DELIMITED) {
      const length = varint(); // moves `at` itself, so it must come first
      at += length;
    } else {
      throw new Error(`wire type ${type} is not one of Refusal's`);
    }
  }
  return fields;
}
