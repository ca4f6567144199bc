import { SOLD_OUT_REMEMBERED_MS } from "../campaign/sold-out-memory.ts";
import type { ClaimAnswer } from "../pool/answers.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Issuances } from "../record/issuances.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ErasureMarks } from "./erasure-marks.ts";
import type { KeyFilter } from "./key-filter.ts";
import type { KnownAnswer } from "./known-answer.ts";
import { createKnownOpenings } from "./known-openings.ts";
import { readClaimKeys, readWinners as readWinnersOf, type Winner } from "./read-winners.ts";

/**
 * Refusals from memory: before the start, and after the last coupon has become durable.
 *
 * *Not started.* See `known-openings.ts`.
 *
 * *Sold out.* When Redis replies so, the issuances are counted in MongoDB. If there are as many as coupons,
 * every code has its durable owner: no rebuild changes that, only added coupons do. Their claim keys are read
 * into a filter, two bytes each. A key that is not in it has no coupon, and gets "sold out" while Redis has
 * confirmed it, for that total, within the last second; now and then one request goes to Redis to confirm it.
 * Requests of keys in the filter go to Redis: all but a few in 10,000 are winners. Then the winners are read
 * too, if there is room, and answered from memory. Where coupons are added, Redis first stops confirming, and
 * issues none of them before the last memory has expired (top-up.lua): so no server answers "sold out" while
 * they can be had.
 */
export type KnownAnswers = {
  /** `isFinal`: no question to Redis follows, so this request is not the one that confirms the answer. */
  recall(campaignId: string, claimKey: string, isFinal?: boolean): KnownAnswer | undefined;
  /** `askedAtMs`: on the clock's `elapsed`, before Redis was asked. */
  learn(campaignId: string, answer: ClaimAnswer, askedAtMs: number): void;
};

export type KnownAnswersDeps = {
  campaigns: Pick<Campaigns, "find">;
  issuances: Pick<Issuances, "count" | "claimKeys" | "inOrder">;
  marks: Pick<ErasureMarks, "pseudonymOf" | "onErased">;
  clock: Clock;
  logger: Logger;
  /** Of the filters of claim keys; random, unless a simulation is to do the same again. */
  filterSeed?: number;
};

/**
 * After so long, one request goes to Redis to confirm "sold out"; after SOLD_OUT_REMEMBERED_MS without a
 * confirmation, all do.
 */
const SOLD_CONFIRM_MS = 250;
/** The pause after a failed read; it doubles with each further failure. */
const WINNERS_AGAIN_MS = { first: 500, most: 8_000 } as const;
/** Of all filters, in keys: 32 MB. */
const FILTERED_MAX = 16_000_000;
/**
 * Winners in memory; requests of further ones go to Redis. 190 to 430 bytes a winner, by the length of the
 * key.
 */
const WINNERS_MAX = 400_000;
/** The pause before a sale is read again whose winners found no room, or were removed to make room. */
const NO_ROOM_FOR_MS = 60_000;
const CAMPAIGNS_MAX = 1_000;
type Sale = {
  /** The claim keys of all who have a coupon, once each of the coupons has its durable owner. */
  filter: KeyFilter | undefined;
  /** Some of these keys are pseudonyms. */
  hasErased: boolean;
  /** The winners by claim key. */
  winners: ReadonlyMap<string, Winner> | undefined;
  /** How many coupons the campaign had, by the last "sold out" of Redis. */
  total: number;
  lastAskedAtMs: number;
  readAgainAtMs: number;
  /** The pause after the next failed read. */
  againInMs: number;
  confirmedAtMs: number;
  confirming: boolean;
};

export function createKnownAnswers(deps: KnownAnswersDeps): KnownAnswers {
  const { campaigns, issuances, marks, clock, logger } = deps;
  const openings = createKnownOpenings(clock);
  const sales = new Map<string, Sale>();
  // What is remembered has ids of erased users; a reading that is under way ends in the sale that is removed.
  marks.onErased((campaignId) => void sales.delete(campaignId));
  /** True while a sale is read: one at a time, to bound memory and the load on MongoDB. */
  let reading = false;

  function recallSale(campaignId: string, sale: Sale, claimKey: string, isFinal: boolean) {
    const nowMs = clock.elapsed();
    sale.lastAskedAtMs = nowMs;
    const pseudonym = marks.pseudonymOf(campaignId, claimKey);
    for (const key of pseudonym === undefined ? [claimKey] : [claimKey, pseudonym]) {
      const winner = sale.winners?.get(key);
      if (winner !== undefined)
        return { kind: "replay" as const, coupon: { campaignId, claimKey: key, ...winner } };
      if (sale.winners === undefined && sale.filter?.mayHave(key) !== false) return undefined;
    }
    if (sale.hasErased && pseudonym === undefined) return undefined;
    const ageMs = nowMs - sale.confirmedAtMs;
    if (ageMs >= SOLD_OUT_REMEMBERED_MS) return undefined;
    if (ageMs >= SOLD_CONFIRM_MS && !sale.confirming && !isFinal) {
      sale.confirming = true;
      return undefined;
    }
    return { kind: "sold" as const };
  }

  function saleOf(campaignId: string): Sale {
    const existing = sales.get(campaignId);
    if (existing !== undefined) return existing;
    const nowMs = clock.elapsed();
    const sale: Sale = {
      filter: undefined,
      hasErased: false,
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
    // An answer from before coupons were added is out of date.
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

  /** One step: reads the filter, or the winners once the filter is read; another sale may come in between. */
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
    // If coupons were added meanwhile, their winners are read without a longer pause.
    sale.readAgainAtMs = clock.elapsed() + (sale.total === total ? waitMs : WINNERS_AGAIN_MS.first);
  }

  function nextWaitMs(sale: Sale): number {
    const waitMs = sale.againInMs;
    sale.againInMs = Math.min(WINNERS_AGAIN_MS.most, 2 * waitMs);
    return waitMs;
  }

  /** Returns after how many ms to go on. */
  async function readKeys(campaignId: string, sale: Sale, total: number): Promise<number> {
    // Where coupons were added since, the pool gets them soon.
    if ((await campaigns.find(campaignId))?.total !== total) return nextWaitMs(sale);
    if (!makeRoom("filter", total, FILTERED_MAX)) return NO_ROOM_FOR_MS;
    // Counted first, so that the keys are not read again and again while an issuance is not durable yet.
    if ((await issuances.count(campaignId)) !== total) return nextWaitMs(sale);
    const { filter, read, hasErased } = await readClaimKeys(issuances, campaignId, total, deps.filterSeed);
    // More coupons may have been added and sold meanwhile.
    if (read !== total || sale.total !== total) return nextWaitMs(sale);
    sale.filter = filter;
    sale.hasErased = hasErased;
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

  /** Whether there is room for so many more; if needed, removes sales that had no request lately. */
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

  /** There are coupons, or may soon be: all requests go to Redis. Winners keep their coupons. */
  function forget(campaignId: string): void {
    const sale = sales.get(campaignId);
    if (sale !== undefined) sale.confirmedAtMs = Number.NEGATIVE_INFINITY;
  }

  return {
    recall(campaignId, claimKey, isFinal = false) {
      const sale = sales.get(campaignId);
      return sale === undefined
        ? openings.recall(campaignId, isFinal)
        : recallSale(campaignId, sale, claimKey, isFinal);
    },

    learn(campaignId, answer, askedAtMs) {
      switch (answer.kind) {
        case "sold":
          if (answer.total > 0) learnSold(campaignId, answer.total, askedAtMs);
          else forget(campaignId);
          return;
        case "early":
          openings.learn(campaignId, answer, askedAtMs);
          return;
        case "claimed":
        case "withheld":
        case "not-open":
        case "frozen":
          forget(campaignId);
          return;
        default:
          // A replay, or a pool that cannot answer, shows nothing about other claim keys.
          return;
      }
    },
  };
}
