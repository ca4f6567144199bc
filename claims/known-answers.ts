import { SOLD_OUT_REMEMBERED_MS } from "../campaign/sold-out-memory.ts";
import type { ClaimAnswer } from "../pool/answers.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Issuances } from "../record/issuances.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { KeyFilter } from "./key-filter.ts";
import type { KnownAnswer } from "./known-answer.ts";
import { readClaimKeys, readWinners as readWinnersOf, type Winner } from "./read-winners.ts";

/**
 * Refusals from memory: before the start, and after the last coupon has become durable.
 *
 * *Not started.* Redis said how long it is to the start by its own clock; for a fraction of a second, and
 * never beyond that start, everybody else is told the same, counted down on a clock that nobody sets. This
 * server's own idea of the time opens and closes nothing.
 *
 * *Sold out.* When Redis says so, the issuances are counted in MongoDB. If they are as many as the campaign
 * has coupons, every code has its durable owner, for good: no rebuild can change that, only more coupons can.
 * Their claim keys are read into a filter, two bytes each: whoever is not in it has no coupon and is told
 * "sold out", as long as Redis has confirmed it, for so many coupons, within the last second; one ask is let
 * through now and then to find out. Whoever may be in it is a winner, but for a few in 10,000, and asks
 * Redis. Then the winners themselves are read, if they find room, and answered from that record too. Where
 * coupons are added, Redis first stops confirming, and gives none of them before the last memory has lapsed
 * (top-up.lua): nobody who holds one of them is told that there are none.
 */
export type KnownAnswers = {
  recall(campaignId: string, claimKey: string): KnownAnswer | undefined;
  /** `askedAtMs`: on the clock's `elapsed`, before Redis was asked. */
  learn(campaignId: string, answer: ClaimAnswer, askedAtMs: number): void;
};

export type KnownAnswersDeps = {
  campaigns: Pick<Campaigns, "find">;
  issuances: Pick<Issuances, "count" | "claimKeys" | "inOrder">;
  clock: Clock;
  logger: Logger;
};

/** How long "not yet" is believed. A start that is moved to earlier is noticed within this. */
const EARLY_FOR_MS = 100;
/**
 * After this, one ask goes to Redis to confirm "sold out"; after SOLD_OUT_REMEMBERED_MS without a
 * confirmation, all do.
 */
const SOLD_CONFIRM_MS = 250;

/** After a try in vain; each further one waits twice as long as the one before. */
const WINNERS_AGAIN_MS = { first: 500, most: 8_000 } as const;
/** Of all filters, in keys: 32 MB. */
const FILTERED_MAX = 16_000_000;
/**
 * Winners beyond these ask Redis. 190 to 430 bytes a winner, by the length of the key; one that is read
 * counts already.
 */
const WINNERS_MAX = 400_000;
/** A sale whose winners found no room, or had to make it, waits for so long. */
const NO_ROOM_FOR_MS = 60_000;
const CAMPAIGNS_MAX = 1_000;
/** On the clock's `elapsed`: not before `startMs` does Redis open; until `untilMs` that is believed. */
type Opening = { readonly startMs: number; readonly untilMs: number; readonly startsAtMs: number };
type Sale = {
  /** The claim keys of all who have a coupon, once each of the coupons has its durable owner. */
  filter: KeyFilter | undefined;
  /** All of them by claim key. */
  winners: ReadonlyMap<string, Winner> | undefined;
  /** How many coupons Redis said that there were when all were gone. */
  total: number;
  lastAskedAtMs: number;
  readAgainAtMs: number;
  /** How long after the next try in vain the one after it is. */
  againInMs: number;
  confirmedAtMs: number;
  confirming: boolean;
};

export function createKnownAnswers({ campaigns, issuances, clock, logger }: KnownAnswersDeps): KnownAnswers {
  const openings = new Map<string, Opening>();
  const sales = new Map<string, Sale>();
  /** One sale at a time: what is read is bounded, and MongoDB is not asked for the winners of all at once. */
  let reading = false;

  function recallSale(campaignId: string, sale: Sale, claimKey: string): KnownAnswer | undefined {
    const nowMs = clock.elapsed();
    sale.lastAskedAtMs = nowMs;
    const winner = sale.winners?.get(claimKey);
    if (winner !== undefined) return { kind: "replay", held: { campaignId, claimKey, ...winner } };
    if (sale.winners === undefined && sale.filter?.mayHave(claimKey) !== false) return undefined;
    const ageMs = nowMs - sale.confirmedAtMs;
    if (ageMs >= SOLD_OUT_REMEMBERED_MS) return undefined;
    if (ageMs >= SOLD_CONFIRM_MS && !sale.confirming) {
      sale.confirming = true;
      return undefined;
    }
    return { kind: "sold" };
  }

  function recallOpening(campaignId: string): KnownAnswer | undefined {
    const opening = openings.get(campaignId);
    if (opening === undefined) return undefined;
    const nowMs = clock.elapsed();
    const { startMs, untilMs, startsAtMs } = opening;
    if (nowMs < untilMs) return { kind: "early", redisWaitMs: startMs - nowMs, startsAtMs };
    openings.delete(campaignId);
    return undefined;
  }

  function saleOf(campaignId: string): Sale {
    const existing = sales.get(campaignId);
    if (existing !== undefined) return existing;
    const nowMs = clock.elapsed();
    const sale: Sale = {
      filter: undefined,
      winners: undefined,
      total: 0,
      lastAskedAtMs: nowMs,
      readAgainAtMs: nowMs,
      againInMs: WINNERS_AGAIN_MS.first,
      confirmedAtMs: Number.NEGATIVE_INFINITY,
      confirming: false,
    };
    const [oldest] = sales.keys();
    if (sales.size >= CAMPAIGNS_MAX && oldest !== undefined) sales.delete(oldest);
    sales.set(campaignId, sale);
    return sale;
  }

  function learnSold(campaignId: string, total: number, askedAtMs: number): void {
    const sale = saleOf(campaignId);
    // An answer from before coupons were added says nothing any more.
    if (total < sale.total) return;
    if (total > sale.total) {
      sale.filter = undefined;
      sale.winners = undefined;
      sale.total = total;
      sale.againInMs = WINNERS_AGAIN_MS.first;
      sale.readAgainAtMs = Math.min(sale.readAgainAtMs, clock.elapsed());
    }
    sale.confirmedAtMs = Math.max(sale.confirmedAtMs, askedAtMs);
    sale.confirming = false;
    if (sale.winners === undefined && !reading && clock.elapsed() >= sale.readAgainAtMs) {
      reading = true;
      void read(campaignId, sale).finally(() => {
        reading = false;
      });
    }
  }

  /** One step: the filter, or the winners where that is there; another sale may come in between. */
  async function read(campaignId: string, sale: Sale): Promise<void> {
    sale.readAgainAtMs = Number.POSITIVE_INFINITY;
    const { total } = sale;
    const waitMs = await (sale.filter === undefined ? readKeys : readWinners)(campaignId, sale, total).catch(
      (error: unknown) => {
        logger.warn(
          { component: "claims", campaign: campaignId, err: error },
          "the winners cannot be read; Redis is asked for each",
        );
        return nextWaitMs(sale);
      },
    );
    // More coupons meanwhile: their winners are asked for as soon as those of any other sale.
    sale.readAgainAtMs = clock.elapsed() + (sale.total === total ? waitMs : WINNERS_AGAIN_MS.first);
  }

  function nextWaitMs(sale: Sale): number {
    const waitMs = sale.againInMs;
    sale.againInMs = Math.min(WINNERS_AGAIN_MS.most, 2 * waitMs);
    return waitMs;
  }

  /** After how many ms to go on. */
  async function readKeys(campaignId: string, sale: Sale, total: number): Promise<number> {
    // Where coupons were added since, the pool is about to be given them.
    if ((await campaigns.find(campaignId))?.total !== total) return nextWaitMs(sale);
    if (!makeRoom("filter", total, FILTERED_MAX)) return NO_ROOM_FOR_MS;
    // Counted first: while one is not durable yet, the others are not read again and again.
    if ((await issuances.count(campaignId)) !== total) return nextWaitMs(sale);
    const { filter, read } = await readClaimKeys(issuances, campaignId, total);
    // Meanwhile more may have been added, and sold.
    if (read !== total || sale.total !== total) return nextWaitMs(sale);
    sale.filter = filter;
    return 0;
  }

  async function readWinners(campaignId: string, sale: Sale, total: number): Promise<number> {
    if (total > WINNERS_MAX) return Number.POSITIVE_INFINITY;
    if (!makeRoom("winners", total, WINNERS_MAX)) return NO_ROOM_FOR_MS;
    const winners = await readWinnersOf(issuances, campaignId);
    if (winners.size !== total || sale.total !== total) return nextWaitMs(sale);
    sale.winners = winners;
    return 0;
  }

  /** Whether so many more can be kept, if need be instead of those whom nobody has asked for lately. */
  function makeRoom(of: "filter" | "winners", wanted: number, most: number): boolean {
    const nowMs = clock.elapsed();
    const keptOf = ({ filter, winners }: Sale) => (of === "filter" ? filter?.capacity : winners?.size) ?? 0;
    let free = most;
    for (const sale of sales.values()) free -= keptOf(sale);
    for (const sale of sales.values()) {
      if (wanted <= free) break;
      if (keptOf(sale) === 0 || nowMs - sale.lastAskedAtMs < SOLD_OUT_REMEMBERED_MS) continue;
      free += keptOf(sale);
      sale[of] = undefined;
      sale.readAgainAtMs = nowMs + NO_ROOM_FOR_MS;
    }
    return wanted <= free;
  }

  /** There are coupons, or may soon be: Redis is asked by everybody. The winners stay winners. */
  function forget(campaignId: string): void {
    const sale = sales.get(campaignId);
    if (sale !== undefined) sale.confirmedAtMs = Number.NEGATIVE_INFINITY;
  }

  return {
    recall(campaignId, claimKey) {
      const sale = sales.get(campaignId);
      return sale === undefined ? recallOpening(campaignId) : recallSale(campaignId, sale, claimKey);
    },

    learn(campaignId, answer, askedAtMs) {
      switch (answer.kind) {
        case "sold":
          if (answer.total > 0) learnSold(campaignId, answer.total, askedAtMs);
          else forget(campaignId);
          return;
        case "early": {
          // Redis read its clock after it was asked, and that in whole milliseconds: the start can be as near
          // as this.
          const startMs = askedAtMs + answer.redisWaitMs - 1;
          if (openings.size >= CAMPAIGNS_MAX) openings.clear();
          const untilMs = Math.min(startMs, askedAtMs + EARLY_FOR_MS);
          openings.set(campaignId, { startMs, untilMs, startsAtMs: answer.startsAtMs });
          return;
        }
        case "claimed":
        case "held-back":
        case "not-open":
        case "held":
          forget(campaignId);
          return;
        default:
          // A replay, or a pool that does not answer, says nothing about the others.
          return;
      }
    },
  };
}
