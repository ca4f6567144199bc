import { counted, grouped, isOrAre } from "../runtime/counting.ts";
import type { CodeFormat, CodeSlot } from "./code-format.ts";
import { countChecked, startKey, step } from "./count-checked.ts";
import { blockedWordFilter, type WordFilter } from "./word-filter.ts";

/**
 * How many codes a format must have for each existing code: at most one random guess in so many hits a code.
 */
export const CODES_PER_COUPON = 1_000_000n;

export type SpaceCheck =
  | {
      readonly ok: true;
      /** Codes the format can make: raw combinations less those with a blocked word. Exact. */
      readonly codes: bigint;
      /**
       * How many of the `total` codes are expected to be drawn twice and made again; at most total / 10^6.
       */
      readonly expectedCollisions: number;
    }
  | { readonly ok: false; readonly message: string };

/** The patterns counted last: a prefix can be anything, so there is no end of patterns. */
const KNOWN_MAX = 4_000;
const codesOfPattern = new Map<string, bigint>();

/**
 * Counts exactly the codes of a format that contain no blocked word, by running the filter's states over the
 * positions (not by making codes). The first count of a pattern costs tens of milliseconds at most, later
 * ones nothing.
 */
export function countCodes(format: CodeFormat, filter: WordFilter = blockedWordFilter): bigint {
  if (filter !== blockedWordFilter) return runStates(format, filter);
  const known = codesOfPattern.get(format.pattern);
  if (known !== undefined) return known;
  const codes = runStates(format, filter);
  if (codesOfPattern.size >= KNOWN_MAX) codesOfPattern.clear();
  codesOfPattern.set(format.pattern, codes);
  return codes;
}

function runStates(format: CodeFormat, filter: WordFilter): bigint {
  if (format.check) return countChecked(format, filter);
  // Key: the state of the run over all symbols × stateCount + the state of the run without digits.
  let ways = new Map<number, bigint>([[startKey(format, filter), 1n]]);
  const steps = new Map<CodeSlot["kind"], Map<number, Steps>>();
  for (const slot of format.slots) {
    const stepsOfKind = steps.get(slot.kind) ?? new Map<number, Steps>();
    steps.set(slot.kind, stepsOfKind);
    const reached = new Map<number, bigint>();
    for (const [key, count] of ways) {
      const known = stepsOfKind.get(key) ?? stepAll(key, slot, filter);
      stepsOfKind.set(key, known);
      for (const [target, symbols] of known) {
        reached.set(target, (reached.get(target) ?? 0n) + count * BigInt(symbols));
      }
    }
    ways = reached;
  }
  let codes = 0n;
  for (const count of ways.values()) codes += count;
  return codes;
}

/** The keys after one more symbol without a blocked word, and how many symbols lead to each. */
type Steps = ReadonlyMap<number, number>;

function stepAll(key: number, slot: CodeSlot, filter: WordFilter): Steps {
  const reached = new Map<number, number>();
  for (let symbol = slot.firstSymbol; symbol < slot.firstSymbol + slot.size; symbol += 1) {
    const target = step(key, symbol, filter);
    if (target !== undefined) reached.set(target, (reached.get(target) ?? 0) + 1);
  }
  return reached;
}

/**
 * Decides whether a format has room for a campaign: codes ≥ (total + existing) × 1,000,000.
 *
 * Guessing: a random code of the right format then hits an existing one at most once in a million tries.
 * Colliding: each new code is a repeat with odds of at most one in a million too, so a campaign of `total`
 * makes at most total / 10^6 codes again. So one rule covers both.
 *
 * @param total coupons the campaign is to have, an integer of at least 1
 * @param existing codes that all campaigns already have and that this pattern could make
 * (overlap.ts), an integer of at least 0. Counting codes that it cannot make as well only errs to
 * the safe side.
 * @throws RangeError when a count is not such an integer: the caller validates those first
 */
export function checkSpace(format: CodeFormat, total: number, existing = 0): SpaceCheck {
  if (!Number.isSafeInteger(total) || total < 1)
    throw new RangeError("total must be an integer of at least 1");
  if (!Number.isSafeInteger(existing) || existing < 0) {
    throw new RangeError("existing must be an integer of at least 0");
  }
  const codes = countCodes(format);
  const needed = (BigInt(total) + BigInt(existing)) * CODES_PER_COUPON;
  if (codes >= needed) {
    const expectedCollisions = (total * (existing + (total - 1) / 2)) / Number(codes);
    return { ok: true, codes, expectedCollisions };
  }
  const sizes = format.slots.map((slot) => slot.size).join(" × ");
  const coupons = counted(total, "coupon");
  const others =
    existing === 0 ? "" : ` and the ${counted(existing, "code")} there already ${isOrAre(existing)}`;
  const room = codes / CODES_PER_COUPON - BigInt(existing);
  return {
    ok: false,
    message:
      `code_format ${format.pattern} has ${sizes} = ${grouped(format.space)} codes${format.check ? " (its check character adds none)" : ""}, ` +
      `${grouped(codes)} of them without a blocked word; ` +
      `${coupons}${others} ${total + existing === 1 ? "needs" : "need"} at least ${grouped(needed)} ` +
      `(a guess must not succeed more often than once in ${grouped(CODES_PER_COUPON)}); ` +
      `this format has room for ${grouped(room > 0n ? room : 0n)} more: use a longer one`,
  };
}
