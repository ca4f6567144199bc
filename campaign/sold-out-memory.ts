/**
 * For so long after Redis last confirmed "sold out", a server may answer it from memory, in ms
 * (claims/known-answers.ts).
 *
 * Invariant U7 depends on it: no caller is answered "sold out" once an added coupon can be issued. So both
 * times are defined here.
 */
export const SOLD_OUT_REMEMBERED_MS = 1_000;

/**
 * An empty pool is quiet for so long before it gets added codes, in ms: until the last remembered "sold out"
 * has expired, and a little longer.
 */
export const QUIET_BEFORE_TOP_UP_MS = SOLD_OUT_REMEMBERED_MS + 100;
