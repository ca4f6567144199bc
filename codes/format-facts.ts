import type { CodeFormat } from "./code-format.ts";
import { CODES_PER_COUPON, checkSpace, countCodes } from "./code-space.ts";

/** The figures of a code format and a campaign of `total` coupons. */
export type FormatFacts = {
  /** Codes that can be made. Exact. */
  readonly codes: bigint;
  /** How many more coupons there is room for. */
  readonly room: bigint;
  /**
   * Odds, from 0 to 1, that one guess at a code of the format hits one that exists once the campaign has its
   * own.
   */
  readonly guessOdds: number;
  /** How many of the `total` codes are expected to be drawn twice and made again. */
  readonly expectedCollisions: number;
  /** Odds, from 0 to 1, that at least one is. */
  readonly collisionOdds: number;
  /** Why CreateCampaign would refuse the format; undefined: it would not. */
  readonly whyNot: string | undefined;
};

/** Counts as in checkSpace: both validated by the caller, `existing` over all overlapping patterns. */
export function factsOf(format: CodeFormat, total: number, existing: number): FormatFacts {
  const codes = countCodes(format);
  const space = checkSpace(format, total, existing);
  const room = codes / CODES_PER_COUPON - BigInt(existing);
  // Each new code can repeat an existing one and, on average, half of the other new ones; the sum of many
  // rare events has a Poisson distribution.
  const expectedCollisions = (total * (existing + (total - 1) / 2)) / Number(codes);
  return {
    codes,
    room: room > 0n ? room : 0n,
    guessOdds: Math.min(1, (total + existing) / Number(codes)),
    expectedCollisions,
    collisionOdds: -Math.expm1(-expectedCollisions),
    whyNot: space.ok ? undefined : space.message,
  };
}
