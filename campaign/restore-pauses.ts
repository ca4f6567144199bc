import { createHash } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";

/**
 * When this process may try to rebuild a pool again. The first attempts follow at once. After attempts that
 * brought no pool, or one that did not last, each further attempt waits longer. So a Redis that keeps
 * changing (a slot that moves, repeated failovers) is not loaded again and again, each time under another
 * generation.
 */
export type RestorePauses = {
  /** How long to wait before the next attempt, in ms; 0: it may begin at once. */
  leftMs(campaignId: string): number;
  /** Counts an attempt; `costly`: it used up a generation. */
  attempted(campaignId: string, costly: boolean): void;
};

/**
 * So many attempts run without a pause between them: the store may have recovered since the first one failed.
 */
const AT_ONCE = 2;
const FIRST_MS = 50;
/** The longest pause after attempts that used up no generation: they cost next to nothing. */
const CHEAP_MOST_MS = 250;
const COSTLY_MOST_MS = 2_000;
/** After so long without an attempt, the earlier attempts no longer count. */
const CALM_MS = 10_000;
const CAMPAIGNS_MAX = 10_000;

type Past = { readonly attempts: number; readonly atMs: number; readonly pauseMs: number };

/**
 * `owner` spreads the attempts of several processes: each waits for its own share of the pause, between half
 * of it and all of it.
 */
export function createRestorePauses(clock: Clock, owner: string): RestorePauses {
  const costly = new Map<string, Past>();
  const cheap = new Map<string, Past>();

  const pastOf = (kind: Map<string, Past>, campaignId: string): Past | undefined => {
    const past = kind.get(campaignId);
    return past !== undefined && clock.elapsed() - past.atMs < CALM_MS ? past : undefined;
  };

  return {
    leftMs(campaignId) {
      const ends = [costly, cheap].map((kind) => {
        const past = pastOf(kind, campaignId);
        return past === undefined ? 0 : past.atMs + past.pauseMs - clock.elapsed();
      });
      return Math.max(0, ...ends);
    },
    attempted(campaignId, isCostly) {
      const kind = isCostly ? costly : cheap;
      const attempts = (pastOf(kind, campaignId)?.attempts ?? 0) + 1;
      const mostMs = isCostly ? COSTLY_MOST_MS : CHEAP_MOST_MS;
      const wholeMs =
        attempts < AT_ONCE ? 0 : Math.min(mostMs, FIRST_MS * 2 ** Math.min(attempts - AT_ONCE, 16));
      const pauseMs = wholeMs * (0.5 + share(`${owner} ${campaignId} ${attempts}`) / 2);
      if (kind.size >= CAMPAIGNS_MAX) kind.clear();
      kind.set(campaignId, { attempts, atMs: clock.elapsed(), pauseMs });
    },
  };
}

/** A number from 0 to 1; the same text always gives the same number. */
function share(text: string): number {
  return createHash("sha1").update(text).digest().readUInt32BE(0) / 2 ** 32;
}
