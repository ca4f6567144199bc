import { randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * A ULID: 10 characters of time (ms since the epoch) and 16 of randomness, Crockford base 32, so that ids
 * sort by creation time and cannot be guessed. Source: github.com/ulid/spec.
 */
export function newCampaignId(nowMs: number): string {
  let id = "";
  for (let time = nowMs, i = 0; i < 10; i++, time = Math.floor(time / 32)) id = DIGITS.charAt(time % 32) + id;
  for (const byte of randomBytes(16)) id += DIGITS.charAt(byte % 32);
  return id;
}

/** Replaces the first character, which in a ULID is a digit from 0 to 7. */
const REHEARSAL = "R";

/**
 * The id of a rehearsal shows that it is one. So no other campaign can be removed, whatever else fails, and
 * rehearsals come after all other campaigns in every order by id.
 */
export function newRehearsalId(nowMs: number): string {
  return REHEARSAL + newCampaignId(nowMs).slice(1);
}

export function isRehearsalId(campaignId: string): boolean {
  return campaignId.startsWith(REHEARSAL);
}

/**
 * The id of a warm-up's shadow, which has the form of a campaign's id and is never one: the first character
 * of those is a digit from 0 to 7, or R.
 */
export function newShadowId(nowMs: number): string {
  return `W${newCampaignId(nowMs).slice(1)}`;
}

/** Ids of real campaigns are below it, those of rehearsals are not. */
export const REHEARSALS_FROM = REHEARSAL;

const SHAPE = /^[0-9A-HJKMNP-TV-Z]{26}$/;
/** Only ASCII: some other letters become S or K in upper case. */
const ANY_CASE = /^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$/;

/**
 * The recorded id, in capitals, of a text in any case; undefined: it is no campaign id. No other text reaches
 * a store as an id.
 */
export function campaignIdOf(text: string): string | undefined {
  if (SHAPE.test(text)) return text;
  return ANY_CASE.test(text) ? text.toUpperCase() : undefined;
}
