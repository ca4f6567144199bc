/** What a countdown shows: whole days, and the rest as a clock or, in the last ten seconds, tenths. */
export type Left = { readonly days: number; readonly rest: string };

/** Rounded up, so that it never shows zero before the instant: "03:04:05", under ten seconds "9.9". */
export function leftOf(leftMs: number): Left {
  if (leftMs <= 0) return { days: 0, rest: "0.0" };
  const tenths = Math.ceil(leftMs / 100);
  if (tenths < 100) return { days: 0, rest: (tenths / 10).toFixed(1) };
  const seconds = Math.ceil(leftMs / 1_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const rest = `${two(Math.floor(seconds / 3_600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return { days: Math.floor(seconds / 86_400), rest };
}

/** From here on, tenths are shown. */
const TENTHS_MS = 9_900;

/** In how many milliseconds the shown text is another one. */
export function nextChangeMs(leftMs: number): number {
  if (leftMs <= 0) return 1_000;
  if (leftMs <= TENTHS_MS) return leftMs % 100 || 100;
  return Math.min(leftMs % 1_000 || 1_000, leftMs - TENTHS_MS);
}
