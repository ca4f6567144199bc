import type { CodeFormat } from "./code-format.ts";
import { createCodeMaker } from "./code-maker.ts";
import { type RandomSource, secureRandom } from "./random-source.ts";

/**
 * "Example", and the mark of one: it stands in place of the first syllable. It is not in the alphabet,
 * neither its ㅇ nor its ㅖ is, so no campaign has or will have a code with it: what is shown as an example can
 * be nobody's coupon, not even by chance.
 */
export const EXAMPLE_MARK = "예";

/**
 * Random codes of a format as people may see them, marked. Its check character belongs to the code before the
 * mark and never fits.
 */
export function exampleCodes(
  format: CodeFormat,
  count: number,
  random: RandomSource = secureRandom(),
): string[] {
  const make = createCodeMaker(format, random);
  const first = format.slots.findIndex((slot) => slot.kind === "syllable");
  return Array.from({ length: count }, () => {
    return [...make()].map((character, index) => (index === first ? EXAMPLE_MARK : character)).join("");
  });
}
