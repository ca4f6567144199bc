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

/** In the place of the first character, which in a ULID is a digit up to 7. */
const REHEARSAL = "R";

/**
 * The id of a rehearsal can be told from every other by itself: so nothing that is not one can ever be
 * removed, whatever else goes wrong, and they come after all others wherever campaigns are gone through by
 * id.
 */
export function newRehearsalId(nowMs: number): string {
  return REHEARSAL + newCampaignId(nowMs).slice(1);
}

export function isRehearsalId(campaignId: string): boolean {
  return campaignId.startsWith(REHEARSAL);
}

/** Ids of real campaigns are below it, those of rehearsals are not. */
export const REHEARSALS_FROM = REHEARSAL;

const SHAPE = /^[0-9A-HJKMNP-TV-Z]{26}$/;
/** Only ASCII: other letters become an S or a K as capitals. */
const ANY_CASE = /^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$/;

/**
 * The id as it is on record, which is in capitals, of a text in any case; undefined: no id of ours. Nothing
 * else ever reaches a store.
 */
export function campaignIdOf(text: string): string | undefined {
  if (SHAPE.test(text)) return text;
  return ANY_CASE.test(text) ? text.toUpperCase() : undefined;
}
