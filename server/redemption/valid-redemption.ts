import {
  invalid,
  text,
  type Valid,
  valid,
  validCampaignId,
  validKey,
  withoutField,
} from "../../campaign/valid.ts";
import { normaliseCode } from "../../codes/normalise-code.ts";
import { grouped } from "../../runtime/counting.ts";

const KEY_MAX = 128;
const REASON_MAX = 200;
export const TIMEOUT_MS = { least: 1_000, most: 86_400_000, whenZero: 600_000 } as const;

/** A code as its holder types it, in the form in which codes are recorded. */
export function validCode(given: string): Valid<string> {
  const code = normaliseCode(given);
  return code.ok ? valid(code.code) : invalid("code", withoutField("code", code.message));
}

/** The idempotency key of a redemption. */
export function validRedemptionKey(key: string): Valid<string> {
  return text("key", key, KEY_MAX);
}

/** How long a code is kept, in ms. */
export function validTimeout(timeoutMs: bigint): Valid<number> {
  const { least, most, whenZero } = TIMEOUT_MS;
  if (timeoutMs === 0n) return valid(whenZero);
  if (timeoutMs >= BigInt(least) && timeoutMs <= BigInt(most)) return valid(Number(timeoutMs));
  const rule = `must be ${grouped(least)} to ${grouped(most)}, or 0 for ${grouped(whenZero)}`;
  return invalid("timeout_ms", `is ${grouped(timeoutMs)}: ${rule}`);
}

/** The user who wants to redeem; empty: not given. */
export function validCouponUser(userId: string): Valid<string> {
  return userId === "" ? valid(userId) : validKey("user_id", userId);
}

/** undefined, for an empty id: any campaign. */
export function validOnlyCampaign(campaignId: string): Valid<string | undefined> {
  return campaignId === "" ? valid(undefined) : validCampaignId(campaignId);
}

/** undefined: not given. */
export function validVoidReason(reason: string): Valid<string | undefined> {
  return reason === "" ? valid(undefined) : text("reason", reason, REASON_MAX);
}
