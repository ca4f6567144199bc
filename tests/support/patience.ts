/**
 * How long a test waits for an expected event, in ms: a bound against hanging, never a measure of speed. On a
 * busy machine the same steps take ten times as long, and a test that fails for that shows nothing about the
 * product.
 */
export const HANG_MS = 120_000;
