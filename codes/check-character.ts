import { SYMBOLS } from "./alphabet.ts";

/**
 * The check character of a code (the mark # of a code format): a weighted sum over a prime field, as ISBN-10
 * has it, but over our own alphabet. 297 syllables and 10 digits are 307 symbols, and 307 is prime. A
 * symbol's value is its place in SYMBOLS, each position has its weight, and the sum of a right code is 0
 * modulo 307.
 *
 * Why it finds every single wrong character: the sum changes by weight × (difference of values), and neither
 * factor is 0 modulo a prime larger than both. Why it finds every swap, of neighbours and of any two: the sum
 * changes by (difference of weights) × (difference of values). A check character that is a digit could do
 * neither: 297 syllables do not fit into 10 remainders.
 *
 * The places in SYMBOLS and the weights are part of every code that was made: a change of them needs a new
 * mark (docs/codes.md).
 */
export const CHECK_MODULUS: number = SYMBOLS.length;

/**
 * The weights of the positions from right to left, the check character's first. Of no two is one ±a/b of the
 * other modulo 307 for any a and b from 1 to 9, so two wrong digits, which change the sum by weight × a +
 * weight × b, are always found too. (1/1: no two are the same; −1/1: no two are opposite, so 11 for 22 is
 * found.) The first such ten in order; there are no eleven.
 */
const WEIGHTS: readonly number[] = [1, 10, 13, 21, 48, 57, 110, 130, 138, 140];

/** The most characters of a code with a check character, its prefix not counted. */
export const CHECKED_LENGTH_MAX: number = WEIGHTS.length;

const VALUE_OF: ReadonlyMap<string, number> = new Map(
  SYMBOLS.map((character, symbol) => [character, symbol]),
);

/**
 * The weight of position `index` (from 0) in a code of `length` characters, the check character among them.
 */
export function checkWeight(index: number, length: number): number {
  const weight = WEIGHTS[length - 1 - index];
  if (weight === undefined) throw new RangeError(`there is no position ${index} in a code of ${length}`);
  return weight;
}

/** The symbol that makes the sum 0, where the symbols before it sum up to `weightedSum`. */
export function checkSymbol(weightedSum: number): number {
  return (CHECK_MODULUS - (weightedSum % CHECK_MODULUS)) % CHECK_MODULUS;
}

/**
 * Whether the last character of a code is the check character of the others.
 *
 * @param code as normaliseCode gives it, without the prefix of its format. A character outside the alphabet
 * never fits.
 */
export function checkFits(code: string): boolean {
  const characters = [...code];
  if (characters.length < 2 || characters.length > WEIGHTS.length) return false;
  let sum = 0;
  for (const [index, character] of characters.entries()) {
    const value = VALUE_OF.get(character);
    if (value === undefined) return false;
    sum += value * checkWeight(index, characters.length);
  }
  return sum % CHECK_MODULUS === 0;
}
