import { randomInt } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { createDistinctCount, type DistinctCount } from "./distinct-count.ts";

/**
 * The callers that wait for a campaign. Each is told to come back at the same instant, the start; a part of
 * its own on top of that, which grows with how many wait, spreads them out.
 */
export type Herd = {
  /**
   * Counts a caller that is told to come back, and returns its part, in whole ms: 0 where few wait.
   * `mostMs`: the longest part.
   */
  partMs(campaignId: string, claimKey: string, mostMs: number): number;
};

export type HerdOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  /** How many are to come back in a second to this process; each process counts the callers that it told. */
  readonly ratePerSecond: number;
  /** 32 random bits. */
  readonly secret?: number;
};

/** Where so few wait, all come at the start. */
export const FEW = 20;
/**
 * So many of a crowd come at the start itself, if each asks when all wait already: they take the first
 * coupons at once. Where the crowd grows meanwhile they are five to ten times as many, as each is one of so
 * many who waited when it asked.
 */
const AT_ONCE = 8;
/**
 * The others come from then on, in ms after the start: by then the first coupons are durable and on their
 * way, which the requests of a crowd, and its new connections, would delay.
 */
export const AFTER_THE_FIRST_MS = 20;
/** No part is longer: who does not obey gains that much over who does. */
export const PART_MS_MAX = 5_000;
/** A caller counts for so long after it was told, and at most twice as long. */
const COUNTED_MS = 900_000;
const CAMPAIGNS_MAX = 1_000;
const TWO_TO_32 = 2 ** 32;

type Waiting = { readonly seed: number; readonly callers: DistinctCount; rotateAtMs: number };

export function createHerd(options: HerdOptions): Herd {
  const { clock, ratePerSecond, secret = randomInt(TWO_TO_32) } = options;
  const campaigns = new Map<string, Waiting>();

  function waitingOf(campaignId: string): Waiting {
    const nowMs = clock.elapsed();
    const known = campaigns.get(campaignId);
    if (known !== undefined) {
      if (nowMs >= known.rotateAtMs) {
        known.callers.rotate();
        if (nowMs >= known.rotateAtMs + COUNTED_MS) known.callers.rotate();
        known.rotateAtMs = nowMs + COUNTED_MS;
      }
      return known;
    }
    if (campaigns.size >= CAMPAIGNS_MAX) campaigns.clear();
    const callers = createDistinctCount();
    const waiting = { seed: hashOf(campaignId, 0), callers, rotateAtMs: nowMs + COUNTED_MS };
    campaigns.set(campaignId, waiting);
    return waiting;
  }

  return {
    partMs(campaignId, claimKey, mostMs) {
      const { seed, callers } = waitingOf(campaignId);
      const hash = hashOf(claimKey, seed);
      // Nobody can choose keys that count for more than one caller each.
      callers.add(mixed(hash ^ secret));
      const spread = callers.count() - FEW;
      if (spread <= 0) return 0;
      // Its place among all who wait, by its key alone: asking again gives no other one, at any server.
      const place = (hash / TWO_TO_32) * (spread + AT_ONCE) - AT_ONCE;
      if (place <= 0) return 0;
      const longestMs = Math.max(0, Math.min(PART_MS_MAX, mostMs));
      const windowMs = Math.min((spread * 1_000) / ratePerSecond, longestMs - AFTER_THE_FIRST_MS);
      return Math.floor(Math.min(longestMs, AFTER_THE_FIRST_MS + (place / spread) * Math.max(0, windowMs)));
    },
  };
}

/** From 0 to 1, evenly, by the key: another one in each campaign, at each server the same. */
export function shareOf(campaignId: string, claimKey: string): number {
  return hashOf(claimKey, hashOf(campaignId, 0)) / TWO_TO_32;
}

/** FNV-1a over the UTF-16 units, with its bits mixed. */
function hashOf(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3: each bit of the result depends on each bit of the value. */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
