/**
 * For so long after Redis last confirmed "sold out", a server may say it from memory
 * (claims/known-answers.ts).
 *
 * An invariant rests on it (U7): nobody who holds an added coupon is told that there are none. So both times
 * come from here.
 */
export const SOLD_OUT_REMEMBERED_MS = 1_000;

/**
 * A pool that has run dry is quiet for so long before it is given added codes: until the last memory has
 * lapsed, and a little more.
 */
export const QUIET_BEFORE_TOP_UP_MS = SOLD_OUT_REMEMBERED_MS + 100;
