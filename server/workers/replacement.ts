/** In ms: if a worker crashes after serving for so long, the next one is not expected to crash as well. */
const STEADY_MS = 10_000;
const FIRST_WAIT_MS = 100;
/** After so many crashes in a row, none of them after steady service, the next worker would crash too. */
const DEATHS_IN_A_ROW_MAX = 5;

/** A file may be half written for a moment, and wrong until somebody mends it. */
const SETTINGS_WAIT_MS = 2_000;

export type Replacement =
  | { readonly kind: "replace"; readonly deathsInRow: number; readonly afterMs: number }
  | { readonly kind: "give-up"; readonly deathsInRow: number };

/**
 * What to do about a worker that has crashed, given how many crashed in its slot before it without steady
 * service, and for how long it had served (0: it never did). `isSettings`: a setting is wrong now, with which
 * another worker still serves; that is never a reason to end the other.
 */
export function replacementFor(deathsBefore: number, servedMs: number, isSettings = false): Replacement {
  if (isSettings) return { kind: "replace", deathsInRow: deathsBefore, afterMs: SETTINGS_WAIT_MS };
  const deathsInRow = servedMs >= STEADY_MS ? 1 : deathsBefore + 1;
  if (deathsInRow >= DEATHS_IN_A_ROW_MAX) return { kind: "give-up", deathsInRow };
  return { kind: "replace", deathsInRow, afterMs: FIRST_WAIT_MS * 2 ** (deathsInRow - 1) };
}
