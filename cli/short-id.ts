/** A shorter text counts as a mistake, not as a shortened id. */
export const prefixLeast = 4;
/** The alphabet of ids: Crockford's base 32, in any case. */
export const digits = /^[0-9a-hjkmnp-tv-z]+$/i;

/** The hint for an unknown campaign where the given id is too short; undefined: it is not. */
export function tooShortHint(given: string | undefined): string | undefined {
  if (given === undefined || !digits.test(given) || given.length >= prefixLeast) return undefined;
  return `a shortened campaign id has ${prefixLeast} characters or more; coupon list shows the ids`;
}
