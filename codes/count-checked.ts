import { isDigitSymbol } from "./alphabet.ts";
import { CHECK_MODULUS, checkSymbol, checkWeight } from "./check-character.ts";
import type { CodeFormat } from "./code-format.ts";
import { stateAfter, type WordFilter } from "./word-filter.ts";

/**
 * The number of code prefixes by their weighted sum: high × 2^32 + low, because one double would round.
 */
type Ways = { readonly low: Float64Array; readonly high: Float64Array };

const LIMB = 2 ** 32;

const none = (): Ways => ({ low: new Float64Array(CHECK_MODULUS), high: new Float64Array(CHECK_MODULUS) });

/**
 * Counts exactly the codes of a format with a check character that contain no blocked word. The check
 * character can complete a blocked word, so besides the filter's states the weighted sum is carried along:
 * 307 numbers a state. Nearly every symbol leads from every state to the same state as from the start. So
 * states are moved together, and the exceptions are corrected.
 */
export function countChecked(format: CodeFormat, filter: WordFilter): bigint {
  const start = none();
  start.low[0] = 1;
  let ways = new Map<number, Ways>([[startKey(format, filter), start]]);
  for (const [index, slot] of format.slots.entries()) {
    const weight = checkWeight(index, format.slots.length + 1);
    const reached = new Map<number, Ways>();
    const add = (from: Ways, target: number | undefined, symbol: number, sign: 1 | -1): void => {
      if (target === undefined) return;
      const into = reached.get(target) ?? none();
      reached.set(target, into);
      addShifted(into, from, (symbol * weight) % CHECK_MODULUS, sign);
    };
    // A digit does not change the state of the run over the syllables, a syllable changes both: so many
    // states move alike.
    const alike = (key: number): number => (slot.kind === "syllable" ? 0 : key % filter.stateCount);
    const groups = new Map<number, Ways>();
    for (const [key, from] of ways) {
      const sum = groups.get(alike(key)) ?? none();
      groups.set(alike(key), sum);
      addShifted(sum, from, 0, 1);
    }
    for (const sum of groups.values()) carry(sum);
    for (let symbol = slot.firstSymbol; symbol < slot.firstSymbol + slot.size; symbol += 1) {
      for (const [key, sum] of groups) add(sum, step(key, symbol, filter), symbol, 1);
      for (const [key, from] of ways) {
        const target = step(key, symbol, filter);
        const usual = step(alike(key), symbol, filter);
        if (target === usual) continue;
        add(from, usual, symbol, -1);
        add(from, target, symbol, 1);
      }
    }
    for (const into of reached.values()) carry(into);
    ways = reached;
  }
  let codes = 0n;
  for (const [key, { low, high }] of ways) {
    for (let sum = 0; sum < CHECK_MODULUS; sum += 1) {
      if (step(key, checkSymbol(sum), filter) === undefined) continue;
      codes += BigInt(high[sum] ?? 0) * BigInt(LIMB) + BigInt(low[sum] ?? 0);
    }
  }
  return codes;
}

/** The two runs of the filter after the prefix of a format, as one key. */
export function startKey({ prefix }: CodeFormat, filter: WordFilter): number {
  const { whole, lettersOnly } = stateAfter(prefix, filter);
  return whole * filter.stateCount + lettersOnly;
}

/** The two runs of the filter after one more symbol, as one key; undefined: a blocked word is complete. */
export function step(key: number, symbol: number, filter: WordFilter): number | undefined {
  const lettersOnly = key % filter.stateCount;
  const whole = filter.next((key - lettersOnly) / filter.stateCount, symbol);
  const next = isDigitSymbol(symbol) ? lettersOnly : filter.next(lettersOnly, symbol);
  if (whole === filter.blockedState || next === filter.blockedState) return undefined;
  return whole * filter.stateCount + next;
}

function addShifted(into: Ways, from: Ways, shift: number, sign: 1 | -1): void {
  for (let sum = 0, at = shift; sum < CHECK_MODULUS; sum += 1) {
    into.low[at] = (into.low[at] ?? 0) + sign * (from.low[sum] ?? 0);
    into.high[at] = (into.high[at] ?? 0) + sign * (from.high[sum] ?? 0);
    at = at + 1 === CHECK_MODULUS ? 0 : at + 1;
  }
}

function carry({ low, high }: Ways): void {
  for (let sum = 0; sum < CHECK_MODULUS; sum += 1) {
    const carried = Math.floor((low[sum] ?? 0) / LIMB);
    low[sum] = (low[sum] ?? 0) - carried * LIMB;
    high[sum] = (high[sum] ?? 0) + carried;
  }
}
