/** Less than this is a slip rather than an id that was shortened. */
export const prefixLeast = 4;
/** Crockford's base 32, in any case: what an id is written in. */
export const digits = /^[0-9a-hjkmnp-tv-z]+$/i;

/** What helps where the service knows no such campaign: undefined for what is no shortened id. */
export function tooShortHint(given: string | undefined): string | undefined {
  if (given === undefined || !digits.test(given) || given.length >= prefixLeast) return undefined;
  return `a shortened campaign id has ${prefixLeast} characters or more; coupon list shows the ids`;
}
