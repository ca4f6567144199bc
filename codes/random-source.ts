import { randomFillSync } from "node:crypto";

/**
 * Draws a uniform integer in [0, bound). `bound` is an integer from 1 to 65,536. Throws RangeError for any
 * other bound, and Error when its source gives only unusable words.
 */
export type RandomSource = (bound: number) => number;

/** Draws one uniform 16-bit word: an integer from 0 to 65,535. */
export type WordSource = () => number;

const WORD_VALUES = 65_536;
/**
 * A fair word is refused less than half of the time, so 128 refusals in a row (2^-128) mean a broken source.
 */
const MAX_REFUSED_WORDS = 128;
const BUFFERED_WORDS = 8_192;

/**
 * Turns 16-bit words into unbiased integers. A plain `word % bound` favours the small values whenever `bound`
 * does not divide 65,536; here the words of the last, incomplete round are refused and drawn again.
 */
export function randomFromWords(nextWord: WordSource): RandomSource {
  return (bound) => {
    if (!Number.isInteger(bound) || bound < 1 || bound > WORD_VALUES) {
      throw new RangeError(`bound must be an integer from 1 to ${WORD_VALUES}, not ${bound}`);
    }
    const limit = WORD_VALUES - (WORD_VALUES % bound);
    for (let refused = 0; refused < MAX_REFUSED_WORDS; refused += 1) {
      const word = nextWord();
      if (word < limit) return word % bound;
    }
    throw new Error(`the random source gave ${MAX_REFUSED_WORDS} unusable words in a row: it is broken`);
  };
}

/**
 * The production source: the operating system's CSPRNG through node:crypto, 16 KiB at a time. Used words are
 * overwritten, so that codes already made cannot be worked out from a memory dump of the buffer.
 */
export function secureRandom(): RandomSource {
  const words = new Uint16Array(BUFFERED_WORDS);
  let used = BUFFERED_WORDS;
  return randomFromWords(() => {
    if (used === BUFFERED_WORDS) {
      randomFillSync(words);
      used = 0;
    }
    const word = words[used];
    if (word === undefined) throw new Error("the random buffer was read past its end");
    words[used] = 0;
    used += 1;
    return word;
  });
}
