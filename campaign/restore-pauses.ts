import { createHash } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";

/**
 * When a pool may be brought back again, by this process: at once the first time; after attempts that brought
 * none, or one that did not last, each further one waits longer. A Redis that does not hold still (a slot
 * that moves, a failover that flaps) is then not loaded again and again, each time under another generation.
 */
export type RestorePauses = {
  /** In ms, how long it still rests; 0: not at all. */
  leftMs(campaignId: string): number;
  /** An attempt was made; `costly`: it used up a generation. */
  attempted(campaignId: string, costly: boolean): void;
};

/**
 * The first attempts follow each other as quickly as they are asked for: what failed may have been the last
 * of a store's trouble.
 */
const AT_ONCE = 2;
const FIRST_MS = 50;
/** An attempt that could not even begin costs next to nothing. */
const CHEAP_MOST_MS = 250;
const COSTLY_MOST_MS = 2_000;
/** After so long without an attempt it is forgotten what came before. */
const CALM_MS = 10_000;
const CAMPAIGNS_MAX = 10_000;

type Past = { readonly attempts: number; readonly atMs: number; readonly pauseMs: number };

/**
 * `owner` spreads the attempts of several processes: each has waits of its own, between half of the pause and
 * all of it.
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

/** From 0 to 1, the same for the same text. */
function share(text: string): number {
  return createHash("sha1").update(text).digest().readUInt32BE(0) / 2 ** 32;
}
