import { type RandomSource, randomFromWords, type WordSource } from "../../codes/random-source.ts";

/** Mulberry32: the same words for the same seed. Only for tests: it is predictable. */
export function seededWords(seed: number): WordSource {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 16) & 0xffff;
  };
}

export function seededRandom(seed: number): RandomSource {
  return randomFromWords(seededWords(seed));
}

/**
 * Returns the given draws in order, for any bound; `drawn()` returns how many were taken. Throws when none is
 * left.
 */
export function scriptedRandom(draws: readonly number[]): { random: RandomSource; drawn: () => number } {
  let used = 0;
  return {
    random: () => {
      const draw = draws[used];
      if (draw === undefined) throw new Error("the script is at its end");
      used += 1;
      return draw;
    },
    drawn: () => used,
  };
}
