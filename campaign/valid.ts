import { parseCodeFormat } from "../codes/code-format.ts";
import { checkSpace } from "../codes/code-space.ts";
import { campaignIdOf } from "../record/campaign-id.ts";
import { counted } from "../runtime/counting.ts";
import type { Refusal } from "./refusal.ts";

export type Valid<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export const TOTAL_MAX = 5_000_000;
export const NAME_MAX = 200;
/** The script that claims reads so many fields of a user. */
export const MAX_PER_USER_MAX = 100;
const KEY_MAX = 128;

/** The last instant that both RFC 3339 and a JavaScript Date write with four digits. */
export const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export const valid = <T>(value: T): Valid<T> => ({ ok: true, value });
export const invalid = (field: string, allowed: string): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { reason: "INVALID", field, allowed },
});

// Control characters and line separators could change what a log or a terminal shows; half a surrogate pair
// is no character. The replacement character stands for bytes that were no UTF-8, so two different ids could
// become the same text.
const UNWANTED = /[\p{Cc}\p{Cs}\u2028\u2029\ufffd]/u;

/** Invisible characters only: blanks, characters of no width, fillers, the empty Braille pattern. */
const UNSEEN = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]*$/u;

/**
 * 1 to `max` characters (code points), at least one of them visible, no control characters. Not normalised:
 * texts are compared exactly.
 */
export function text(field: string, value: string, max: number): Valid<string> {
  const rule = `1 to ${max} characters, at least one that is visible, no control characters`;
  if (value === "") return invalid(field, `must not be empty: ${rule}`);
  // Only a text longer than max UTF-16 units can have more than max code points.
  const length = value.length > max ? [...value].length : value.length;
  if (length > max) return invalid(field, `has ${counted(length, "character")}: ${rule}`);
  if (UNWANTED.test(value))
    return invalid(
      field,
      `has a control character, half a surrogate pair or bytes that were not UTF-8: ${rule}`,
    );
  if (UNSEEN.test(value)) return invalid(field, `has nothing but blanks or invisible characters: ${rule}`);
  return valid(value);
}

export function validKey(field: "user_id" | "request_id", value: string): Valid<string> {
  return text(field, value, KEY_MAX);
}

/**
 * Takes an id in upper or lower case, returns it as it is recorded. A text that cannot be a campaign id is an
 * unknown campaign, without a question to a store; an empty one is invalid.
 */
export function validCampaignId(value: string): Valid<string> {
  if (value === "") return invalid("campaign_id", "must not be empty: the id that CreateCampaign answered");
  const id = campaignIdOf(value);
  return id === undefined ? { ok: false, refusal: { reason: "UNKNOWN_CAMPAIGN" } } : valid(id);
}

/** Takes the field name off a message of `codes/`: the refusal names the field itself. */
export function withoutField(field: string, message: string): string {
  return message.startsWith(field) ? message.slice(field.length).replace(/^:? /, "") : message;
}

/** Checks an end against its start and the present time. */
export function validEnd(endsAtMs: number, startsAtMs: number, nowMs: number): Valid<void> {
  // Checked first, so that "after starts_at" is only reported where the start lies ahead and can still be
  // moved.
  if (endsAtMs <= nowMs) return invalid("ends_at", `has passed: it is ${new Date(nowMs).toISOString()} now`);
  if (endsAtMs <= startsAtMs)
    return invalid("ends_at", `must be after starts_at, ${new Date(startsAtMs).toISOString()}`);
  if (endsAtMs > LATEST_MS) return invalid("ends_at", "must be before the year 10000");
  return valid(undefined);
}

/** Whether the format has room for `total` more codes beside the `existing` ones of the same format. */
export function validSpace(
  codeFormat: string,
  total: number,
  existing: number,
  field: "code_format" | "count" = "code_format",
): Valid<void> {
  const format = parseCodeFormat(codeFormat);
  if (!format.ok) return invalid(field, withoutField("code_format", format.message));
  const space = checkSpace(format.format, total, existing);
  return space.ok ? valid(undefined) : invalid(field, withoutField("code_format", space.message));
}
