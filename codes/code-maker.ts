import { DRAWN, isDigitSymbol } from "./alphabet.ts";
import { checkSymbol, checkWeight } from "./check-character.ts";
import type { CodeFormat } from "./code-format.ts";
import { type RandomSource, secureRandom } from "./random-source.ts";
import { blockedWordFilter, stateAfter, type WordFilter } from "./word-filter.ts";

/** Makes one code a call: NFC, of the length of its format. Throws Error when the random source is broken. */
export type CodeMaker = () => string;

/**
 * No format loses more than 51 % of its codes to blocked words (the worst is 32 digits): 128 in a row
 * (0.51^128) mean a broken random source.
 */
const MAX_ATTEMPTS = 128;

/**
 * Prepares a maker of codes of one format. Every position is drawn uniformly from its characters; a
 * code with a blocked word is discarded whole and made again, so all remaining codes are equally likely.
 * Codes may repeat: the unique index of MongoDB refuses repeats.
 *
 * @param random the production CSPRNG unless given; a seeded one belongs in tests only
 * @param filter the blocked words; the production ones unless given
 */
export function createCodeMaker(
  format: CodeFormat,
  random: RandomSource = secureRandom(),
  filter: WordFilter = blockedWordFilter,
): CodeMaker {
  const start = stateAfter(format.prefix, filter);
  return () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const code = attemptCode(format, random, filter, start);
      if (code !== undefined) return code;
    }
    throw new Error(
      `${MAX_ATTEMPTS} codes of format ${format.pattern} in a row had a blocked word: the random source is broken`,
    );
  };
}

/** Makes one code; for many of the same format use createCodeMaker. */
export function makeCode(format: CodeFormat, random: RandomSource): string {
  return createCodeMaker(format, random)();
}

/**
 * One code, or undefined when it has a blocked word (as written, or with the digits taken out), its check
 * character included.
 */
function attemptCode(
  format: CodeFormat,
  random: RandomSource,
  filter: WordFilter,
  start: { readonly whole: number; readonly lettersOnly: number },
): string | undefined {
  let code = format.prefix;
  let { whole, lettersOnly } = start;
  let weightedSum = 0;
  const append = (symbol: number): void => {
    code += DRAWN[symbol];
    whole = filter.next(whole, symbol);
    if (!isDigitSymbol(symbol)) lettersOnly = filter.next(lettersOnly, symbol);
  };
  for (const [index, slot] of format.slots.entries()) {
    const drawn = random(slot.size);
    if (!(Number.isInteger(drawn) && drawn >= 0 && drawn < slot.size)) {
      throw new Error(`the random source left its bounds: [0, ${slot.size})`);
    }
    const symbol = slot.firstSymbol + drawn;
    append(symbol);
    if (format.check) weightedSum += symbol * checkWeight(index, format.slots.length + 1);
  }
  if (format.check) append(checkSymbol(weightedSum));
  return whole === filter.blockedState || lettersOnly === filter.blockedState ? undefined : code;
}
