import { expect } from "chai";
import type { Db } from "mongodb";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { CampaignDoc, CouponDoc, IssuanceDoc } from "../../record/documents.ts";
import type { Held } from "./answers.ts";
import { HANG_MS } from "./patience.ts";
import type { RawRedis } from "./raw-redis.ts";

/** The contents of both stores, read directly: of the product only its key names are used. */
export type Books = {
  readonly campaign: CampaignDoc | null;
  readonly coupons: readonly CouponDoc[];
  readonly issuances: readonly IssuanceDoc[];
  readonly meta: Readonly<Record<string, string>>;
  readonly staged: readonly string[];
  readonly open: readonly string[];
  /** Claim key → code, generation-seq, milliseconds. */
  readonly claims: Readonly<Record<string, string>>;
  readonly ledgerDepth: number;
};

export async function readBooks(redis: RawRedis, db: Db, campaignId: string): Promise<Books> {
  const keys = campaignKeys(campaignId);
  const [campaign, coupons, issuances] = await Promise.all([
    db.collection<CampaignDoc>("campaigns").findOne({ _id: campaignId }),
    db.collection<CouponDoc>("coupons").find({ campaignId }).sort({ ordinal: 1 }).toArray(),
    db.collection<IssuanceDoc>("issuances").find({ campaignId }).toArray(),
  ]);
  const meta = await redis.hGetAll(keys.meta);
  const staged = await redis.lRange(keys.staged, 0, -1);
  const open = await redis.lRange(keys.open, 0, -1);
  const claims = await redis.hGetAll(keys.claims);
  return {
    campaign,
    coupons,
    issuances,
    meta,
    staged,
    open,
    claims,
    ledgerDepth: await redis.xLen(keys.ledger),
  };
}

/** Waits until the ledger is empty and `issued` issuances are recorded, then reads everything. */
export async function readBooksAtRest(
  redis: RawRedis,
  db: Db,
  campaignId: string,
  issued: number,
): Promise<Books> {
  const atRest = await until(
    async () => {
      if ((await redis.xLen(campaignKeys(campaignId).ledger)) > 0) return false;
      return (await db.collection("issuances").countDocuments({ campaignId })) === issued;
    },
    HANG_MS,
    50,
  );
  const books = await readBooks(redis, db, campaignId);
  if (!atRest) {
    expect({ issuances: books.issuances.length, ledger: books.ledgerDepth }, "at rest").to.deep.equal({
      issuances: issued,
      ledger: 0,
    });
  }
  return books;
}

/** Expects exactly N codes of a campaign, and each ordinal once. */
export function expectExactCodes({ coupons }: Books, total: number): void {
  expect(coupons.length, "codes in MongoDB").to.equal(total);
  const misplaced = coupons.filter((coupon, i) => coupon.ordinal !== i);
  expect(misplaced, "ordinals that are not 0..N-1").to.deep.equal([]);
  expect(new Set(coupons.map((coupon) => coupon._id)).size, "distinct codes").to.equal(total);
}

/**
 * Checks the books at rest against the answers that callers got (claim key → coupon): every acknowledged
 * coupon is recorded unchanged, each code has one owner, both stores agree, and all codes that are not issued
 * can still be issued.
 */
export function expectRightBooks(books: Books, total: number, acknowledged: ReadonlyMap<string, Held>): void {
  expectExactCodes(books, total);
  const { issuances, coupons, claims, open, staged } = books;
  const byKey = new Map(issuances.map((issuance) => [issuance.claimKey, issuance]));
  const issued = new Set(issuances.map((issuance) => issuance._id));
  expect(byKey.size, "one issuance a claim key").to.equal(issuances.length);
  expect(issued.size, "one issuance a code").to.equal(issuances.length);
  for (const [key, coupon] of acknowledged) {
    const issuance = byKey.get(key);
    expect(
      issuance && { code: issuance._id, seq: issuance.seq, issuedAtMs: issuance.issuedAt.getTime() },
      `what is recorded for ${key}`,
    ).to.deep.equal(coupon);
  }
  const made = new Set(coupons.map((coupon) => coupon._id));
  expect([...issued].filter((code) => !made.has(code)).length, "issued codes that nobody made").to.equal(0);
  expect(books.ledgerDepth, "ledger at rest").to.equal(0);
  const left = [...open, ...staged];
  expect(new Set(left).size, "codes in the pool, each once").to.equal(left.length);
  expect(left.filter((code) => issued.has(code)).length, "issued codes still in the pool").to.equal(0);
  expect(left.length + issued.size, "codes in the pool and issued codes").to.equal(total);
  const boundInRedis = Object.entries(claims).map(([key, value]) => `${key} ${value.split(" ")[0]}`);
  const recorded = issuances.map((issuance) => `${issuance.claimKey} ${issuance._id}`);
  expect(boundInRedis.sort(), "claims of Redis and issuances of MongoDB").to.deep.equal(recorded.sort());
}
