/** A worker that has served for so long was well, in ms: its death says nothing about the next one. */
const STEADY_MS = 10_000;
const FIRST_WAIT_MS = 100;
/** So many deaths in a row, none of them after steady service: the next one would die too. */
const DEATHS_IN_A_ROW_MAX = 5;

export type Replacement =
  | { readonly kind: "replace"; readonly deathsInRow: number; readonly afterMs: number }
  | { readonly kind: "give-up"; readonly deathsInRow: number };

/**
 * What to do about a worker that died, given how many died in its place before it without steady service, and
 * for how long it had served (0: it never came to it).
 */
export function replacementFor(deathsBefore: number, servedMs: number): Replacement {
  const deathsInRow = servedMs >= STEADY_MS ? 1 : deathsBefore + 1;
  if (deathsInRow >= DEATHS_IN_A_ROW_MAX) return { kind: "give-up", deathsInRow };
  return { kind: "replace", deathsInRow, afterMs: FIRST_WAIT_MS * 2 ** (deathsInRow - 1) };
}
