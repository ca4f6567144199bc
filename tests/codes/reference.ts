import { DRAWN, FIRST_DIGIT_SYMBOL, SYMBOLS } from "../../codes/alphabet.ts";
import { BLOCKED_WORDS } from "../../codes/blocked-words.ts";
import { type CodeFormat, parseCodeFormat } from "../../codes/code-format.ts";

/** Independent, naive versions of the generator's optimised functions. */

export function formatOf(pattern: string): CodeFormat {
  const parsed = parseCodeFormat(pattern);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.format;
}

const blocked = new Set(BLOCKED_WORDS);
const firsts = new Set(BLOCKED_WORDS.map((word) => word[0]));
const longest = Math.max(...BLOCKED_WORDS.map((word) => word.length));

/** Looks up every substring in the list, of the code as written and of its syllables alone. */
export function hasBlockedWord(code: string): boolean {
  return hasBlockedSubstring(code) || hasBlockedSubstring(code.replace(/[0-9]/g, ""));
}

function hasBlockedSubstring(text: string): boolean {
  for (let start = 0; start < text.length; start += 1) {
    if (!firsts.has(text[start])) continue;
    for (let end = start + 1; end <= Math.min(text.length, start + longest); end += 1) {
      if (blocked.has(text.slice(start, end))) return true;
    }
  }
  return false;
}

/** All raw combinations of a format, in order, without the check character. */
export function* everyCode(format: CodeFormat): Generator<string> {
  const choices = format.slots.map((slot) => DRAWN.slice(slot.firstSymbol, slot.firstSymbol + slot.size));
  for (let number = 0; number < Number(format.space); number += 1) {
    let rest = number;
    let code = "";
    for (const choice of [...choices].reverse()) {
      code = choice[rest % choice.length] + code;
      rest = Math.floor(rest / choice.length);
    }
    yield code;
  }
}

/** By position from the right, as in docs/codes.md. */
const weights = [1, 10, 13, 21, 48, 57, 110, 130, 138, 140];

/** A drawn part with the check character that makes Σ weight × (place in SYMBOLS) a multiple of 307. */
export function checkedCode(drawn: string): string {
  const rest = [...drawn]
    .reverse()
    .reduce((sum, character, i) => sum + SYMBOLS.indexOf(character) * (weights[i + 1] ?? Number.NaN), 0);
  for (let check = 0; check < SYMBOLS.length; check += 1) {
    if ((rest + check) % 307 === 0) return `${drawn}${SYMBOLS[check]}`;
  }
  throw new Error(`no check character for ${drawn}`);
}

/** The draws that make exactly this code. */
export function drawsOf(code: string): number[] {
  return [...code].map((character) => {
    const symbol = SYMBOLS.indexOf(character);
    if (symbol < 0) throw new Error(`not a symbol: ${character}`);
    return symbol < FIRST_DIGIT_SYMBOL ? symbol : symbol - FIRST_DIGIT_SYMBOL;
  });
}

/** How often each character stands at each position. */
export class Tally {
  readonly positions: Map<string, number>[] = [];
  size = 0;

  add(code: string): void {
    this.size += 1;
    [...code].forEach((character, position) => {
      this.positions[position] ??= new Map();
      const counts = this.positions[position];
      counts.set(character, (counts.get(character) ?? 0) + 1);
    });
  }
}

/**
 * Pearson's statistic Σ (observed - expected)² / expected over the characters that `weights` has.
 *
 * @param weights how likely each character is, in any unit
 */
export function chiSquare(
  observed: ReadonlyMap<string, number>,
  weights: ReadonlyMap<string, number>,
): { statistic: number; degreesOfFreedom: number } {
  const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
  const scale = sum(observed) / sum(weights);
  let statistic = 0;
  for (const [character, weight] of weights) {
    const expected = weight * scale;
    statistic += ((observed.get(character) ?? 0) - expected) ** 2 / expected;
  }
  for (const character of observed.keys()) if (!weights.has(character)) statistic = Number.POSITIVE_INFINITY;
  return { statistic, degreesOfFreedom: weights.size - 1 };
}

/** Upper 0.1 % points of the chi-square distribution, by degrees of freedom. */
export const CRITICAL_AT_0_001: ReadonlyMap<number, number> = new Map([
  [9, 27.877],
  [99, 148.23],
  [296, 376.919],
]);
