import type { CodeFormat } from "./code-format.ts";
import { createCodeMaker } from "./code-maker.ts";
import { type RandomSource, secureRandom } from "./random-source.ts";

/**
 * The mark of an example code, short for "example" in Korean: it replaces the first syllable. Neither its ㅇ
 * nor its ㅖ is in the alphabet, so no campaign has or will have a made code with it: an example is never a
 * real coupon, not even by chance.
 */
export const EXAMPLE_MARK = "예";
/** The mark where a format has no syllable, in place of the first drawn character: no vowel is ever drawn. */
export const LETTER_EXAMPLE_MARK = "E";

/**
 * Random codes of a format with the mark, to show to people. The check character was computed before the mark
 * was set, and never fits.
 */
export function exampleCodes(
  format: CodeFormat,
  count: number,
  random: RandomSource = secureRandom(),
): string[] {
  const make = createCodeMaker(format, random);
  const syllable = format.slots.findIndex((slot) => slot.kind === "syllable");
  const marked = [...format.prefix].length + Math.max(0, syllable);
  const mark = syllable < 0 ? LETTER_EXAMPLE_MARK : EXAMPLE_MARK;
  return Array.from({ length: count }, () => {
    return [...make()].map((character, index) => (index === marked ? mark : character)).join("");
  });
}
