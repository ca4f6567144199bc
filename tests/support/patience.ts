/**
 * How long a test waits for what must come, in ms: a bound against hanging, never a measure of speed. A
 * machine that is busy with other work takes ten times as long for the same steps, and a test that fails for
 * that says nothing about the product.
 */
export const HANG_MS = 120_000;
