const HALF_PAIR = /\p{Cs}/gu;

/**
 * The text with U+FFFD for each half of a surrogate pair, as every encoding to UTF-8 writes it. Where a text
 * is cut, or comes from an escape of JSON, a half can be left; `encodeURIComponent` throws at it.
 */
export function wellFormed(text: string): string {
  return text.replace(HALF_PAIR, "\ufffd");
}

/** At most `unitsMax` UTF-16 units of the beginning of a text, and no half of a character at the end. */
export function beginningOf(text: string, unitsMax: number): string {
  return wellFormed(text.slice(0, unitsMax)).replace(/\ufffd$/, "");
}
