import { setTimeout as sleep } from "node:timers/promises";
import { HazardMissed } from "../hazard.ts";
import type { Round } from "../round.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";
import { part } from "./proofs.ts";

type IssuanceRow = {
  _id: string;
  campaignId: string;
  claimKey: string;
  generation: number;
  seq: number;
  issuedAt: Date;
};

/** How long the staged list stays beside the open one, unless the sale gets far enough before. */
const BESIDE_MS = 2_000;
const BESIDE = 10;
/** Time for the hand between the first coupons and the last, also where other work keeps the machine busy. */
const UNHURRIED = { overMs: 4_000 };
/** How many of the last winners before the pool was empty ask again. */
const LAST_WINNERS = 120;

/**
 * Makes durable issuances of codes that the pool still has, without claims in this pool: the key at index i
 * gets the code at `places[i]` of the open list. The sale goes on meanwhile, so all take two round trips.
 */
export async function issueByHand(
  sale: Sale,
  keys: readonly string[],
  places: readonly number[],
): Promise<void> {
  const { raw, db } = sale.ground;
  const codes = await Promise.all(places.map((place) => raw.lIndex(sale.keys.open, place)));
  const rows = keys.map((claimKey, i): IssuanceRow => {
    const code = codes[i] ?? null;
    if (code === null) throw new HazardMissed("the pool is too empty to issue by hand");
    return {
      ...{ _id: code, campaignId: sale.campaignId, claimKey, generation: 0, seq: 900_000 + i },
      issuedAt: new Date(),
    };
  });
  await db
    .collection<IssuanceRow>("issuances")
    .insertMany(rows, { writeConcern: { w: "majority", journal: true } });
}

/** Rounds in which MongoDB's unique indexes refuse an insert, and rounds on leftovers and winners. */
export const forcedRounds: readonly Round[] = [
  {
    name: "e11000-code",
    sale: UNHURRIED,
    async act(sale) {
      await part(sale, 0.05);
      const eight = Array.from({ length: 8 }, (_, i) => i);
      await issueByHand(
        sale,
        eight.map((i) => `${USER_PREFIX}by-hand-${i}`),
        eight.map((i) => 60 + 10 * i),
      );
      sale.faultOver();
    },
    async after(sale) {
      sale.prove("code_taken", await sale.metric("coupon_alarms_total", "code-taken"), 8);
    },
  },
  {
    name: "e11000-claim-key",
    quick: true,
    sale: UNHURRIED,
    async act(sale) {
      await part(sale, 0.05);
      const keys = Array.from({ length: 8 }, (_, i) => `${USER_PREFIX}had-one-${i}`);
      // From the end of the pool: a caller that popped one of these codes before the key asks would bring the
      // key's coupon into the pool.
      await issueByHand(
        sale,
        keys,
        keys.map((_, i) => -1 - i),
      );
      await Promise.all(keys.map((key) => sale.ask(key)));
      // Redis does not have these issuances: once the sale is over, SOLD_OUT is the right answer to the keys.
      if ((await sale.ground.raw.lLen(sale.keys.open)) === 0) {
        throw new HazardMissed("the pool was empty before the keys had their answers");
      }
      sale.faultOver();
    },
    async after(sale) {
      sale.prove("key_taken", await sale.metric("coupon_alarms_total", "key-taken"), 8);
    },
  },
  {
    // Some codes that were loaded for an earlier pool are in the staged list beside the open one.
    name: "staged-beside-open",
    async act(sale) {
      await part(sale, 0.3);
      const { raw } = sale.ground;
      await raw.rPush(sale.keys.staged, await raw.lRange(sale.keys.open, -BESIDE, -1));
      await Promise.race([part(sale, 0.8), sleep(BESIDE_MS)]);
      sale.prove("staged_beside_open", await raw.lLen(sale.keys.staged), BESIDE);
      await raw.del(sale.keys.staged);
      sale.faultOver();
    },
  },
  {
    // Each winner gets the same coupon again, also at the moment when none is left.
    name: "winners-ask-at-sold-out",
    async act(sale) {
      await part(sale, 0.5);
      await sale.untilTrue("all is gone", () => sale.refused("SOLD_OUT") > 0);
      const winners = new Set<string>();
      for (const { claimKey, outcome } of sale.history.toReversed()) {
        if (outcome.kind === "issued" && winners.size < LAST_WINNERS) winners.add(claimKey);
      }
      const soldOut = sale.refused("SOLD_OUT");
      await Promise.all([...winners].map((claimKey) => sale.ask(claimKey)));
      sale.prove("asked_again", winners.size, LAST_WINNERS);
      sale.prove("told_sold_out", soldOut);
    },
  },
];
