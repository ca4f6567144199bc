import { expect } from "chai";
import fc from "fast-check";
import type { Claim, ClaimAnswer } from "../../pool/answers.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { Pool } from "../../pool/pool.ts";
import { claimIn, loadedPool } from "../support/loaded-pool.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

const SEPARATOR = "\u001f";
const MOST = 3;
const RUNS = 60;

type Ask = { readonly user: string; readonly request: string };

const ask = (user: string, request: string): Ask => ({ user, request });

describe("pool scripts where a user may have several coupons", () => {
  const stores = withStores();
  let raw: RawRedis;
  let pool: Pool;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
    ({ pool } = stores);
  });
  after(async () => {
    raw.destroy();
  });

  function claim(campaignId: string, asks: readonly Ask[], most = MOST): Promise<ClaimAnswer[]> {
    const keys = asks.map(({ user, request }) => ({
      claimKey: `${user}${SEPARATOR}${request}`,
      userId: user,
    }));
    return pool.claim(campaignId, Date.now(), keys, "issue", 0, most);
  }
  const kinds = (answers: readonly ClaimAnswer[]) => answers.map(({ kind }) => kind);
  const placesOf = (answers: readonly ClaimAnswer[]) =>
    answers.map((answer) => ("claim" in answer ? answer.claim.place : answer.kind));
  const claimsOf = async (campaignId: string) => (await contentsOf(raw, campaignId)).claims;
  const codes = (count: number) => Array.from({ length: count }, (_, i) => `가${i}`);

  it("each request gets a place of its own, the same again, and no user gets one more than there are", async () => {
    const { campaignId } = await loadedPool(pool, { codes: codes(10) });
    const first = await claim(campaignId, [ask("a", "1"), ask("a", "2 2"), ask("b", "1")]);
    expect(placesOf(first)).to.deep.equal([1, 2, 1]);
    expect(claimIn(first[1])).to.include({ claimKey: `a${SEPARATOR}2 2`, userId: "a" });
    const more = await claim(campaignId, [ask("a", "2 2"), ask("a", "3"), ask("a", "4"), ask("b", "1")]);
    expect(placesOf(more)).to.deep.equal([2, 3, "full", 1]);
    expect(kinds(more)).to.deep.equal(["pending", "claimed", "full", "pending"]);
    expect(claimIn(more[0])).to.deep.equal(claimIn(first[1]));
    expect(kinds(await claim(campaignId, [ask("a", "4"), ask("a", "5")]))).to.deep.equal(["full", "full"]);
    const { claims, ledger, open } = await contentsOf(raw, campaignId);
    expect(Object.keys(claims).sort()).to.deep.equal(
      ["a", "a", "a", "b"].map((user, i) => user + SEPARATOR + [1, 2, 3, 1][i]),
    );
    expect(ledger.map(({ message }) => message["p"])).to.deep.equal(["1", "2", "1", "3"]);
    expect(open).to.deep.equal(codes(10).slice(4));
  });

  it("the same request twice in one call is one claim, and a call of more than are free fills the user", async () => {
    const { campaignId } = await loadedPool(pool, { codes: codes(10) });
    const asks = ["1", "1", "2", "3", "4", "1"].map((request) => ask("a", request));
    const answers = await claim(campaignId, asks);
    expect(placesOf(answers)).to.deep.equal([1, 1, 2, 3, "full", 1]);
    expect(kinds(answers)).to.deep.equal(["claimed", "pending", "claimed", "claimed", "full", "pending"]);
    expect(new Set([0, 1, 5].map((i) => claimIn(answers[i]).code)).size).to.equal(1);
  });

  it("nobody is told to have all before it has: not early, and not where the codes run out first", async () => {
    const asks = ["1", "2", "3", "4"].map((request) => ask("a", request));
    const early = await loadedPool(pool, { state: "staged", startsAtMs: Date.now() + 60_000 });
    expect(kinds(await claim(early.campaignId, asks))).to.deep.equal(Array(4).fill("early"));
    const scarce = await loadedPool(pool, { codes: codes(2) });
    expect(kinds(await claim(scarce.campaignId, asks))).to.deep.equal(["claimed", "claimed", "sold", "sold"]);
    const paused = await loadedPool(pool, { state: "paused" });
    expect(kinds(await claim(paused.campaignId, asks))).to.deep.equal(Array(4).fill("not-open"));
  });

  it("holders, and users that have all, are answered in any state; a user called as another's request is not", async () => {
    const held = ["1", "2", "3"].map((request, i) => ({
      ...{ claimKey: `a${SEPARATOR}${request}`, userId: "a", place: i + 1, code: `나${i}` },
      ...{ generation: 1, seq: i + 1, issuedAtMs: 12_345 },
    }));
    for (const state of ["staged", "open", "paused", "ended", "cancelled"] as const) {
      const { campaignId } = await loadedPool(pool, { state, generation: 2, claims: held });
      const answers = await claim(campaignId, [ask("a", "2"), ask("a", "4"), ask("1", "2")]);
      expect(kinds(answers).slice(0, 2), state).to.deep.equal(["replay", "full"]);
      expect(claimIn(answers[0]), state).to.deep.equal({ campaignId, ...held[1] });
      expect(answers[2]?.kind, state).not.to.be.oneOf(["replay", "full"]);
    }
  });

  it("the ledger brings back whole claims; a load, an adoption and a release keep place and request", async () => {
    const { campaignId } = await loadedPool(pool, { codes: codes(4) });
    const made = (await claim(campaignId, [ask("a", "x y"), ask("a", "z")])).map(claimIn);
    expect((await pool.ledgerPage(campaignId, 0, "-", 10)).claims).to.deep.equal(made);
    const before = await claimsOf(campaignId);
    const [lost, other] = made as [Claim, Claim];
    // Another request of the user has its place durably.
    const winner: Claim = {
      ...lost,
      claimKey: `a${SEPARATOR}w`,
      code: "옛",
      generation: 0,
      seq: 9,
      issuedAtMs: 1,
    };
    expect(await pool.release(lost, true, winner)).to.equal("released");
    expect(await claimsOf(campaignId)).to.deep.equal({ ...before, [`a${SEPARATOR}1`]: "옛 0-9 1 w" });
    expect(placesOf(await claim(campaignId, [ask("a", "x y"), ask("a", "w")]))).to.deep.equal([3, 1]);
    expect(await pool.adopt({ ...other })).to.equal("adopted");
    expect(await pool.adopt({ ...other, claimKey: `a${SEPARATOR}q` })).to.equal("bound");
  });

  it("random calls agree with a model: per user no more than so many, one coupon a request, none lost", async () => {
    const asked = fc.record({
      user: fc.constantFrom("a", "b", "a b", "가"),
      request: fc.constantFrom("1", "2", "3", "4", "5", "1 2"),
    });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ asks: fc.array(asked, { minLength: 1, maxLength: 8 }) }) },
      { weight: 1, arbitrary: fc.record({ settle: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ undo: fc.nat(20), free: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.nat(12),
        fc.array(step, { maxLength: 14 }),
        async (most, total, steps) => {
          const { campaignId } = await loadedPool(pool, { codes: codes(total + 1) });
          const bound = new Map<string, Claim>();
          const settled = new Set<number>();
          let left = total + 1;
          const of = (user: string) => [...bound.values()].filter(({ userId }) => userId === user);
          for (const one of steps) {
            if ("settle" in one) {
              const durable = [...bound.values()][one.settle];
              if (durable === undefined) continue;
              await pool.settle(campaignId, 1, [durable.seq]);
              settled.add(durable.seq);
              continue;
            }
            if ("undo" in one) {
              const lost = [...bound.values()][one.undo];
              if (lost === undefined) continue;
              // Its own request has another code durably, at the same place.
              const winner = { ...lost, code: `옛${lost.seq}`, generation: 0, issuedAtMs: 1 };
              expect(await pool.release(lost, one.free, winner)).to.equal("released");
              bound.set(lost.claimKey, winner);
              if (one.free) left += 1;
              continue;
            }
            const hadAll = new Set(
              one.asks.map(({ user }) => user).filter((user) => of(user).length === most),
            );
            const answers = await claim(campaignId, one.asks, most);
            const runsOut = answers.filter(({ kind }) => kind === "claimed").length === left;
            for (const [i, { user, request }] of one.asks.entries()) {
              const key = `${user}${SEPARATOR}${request}`;
              const answer = answers[i];
              const had = bound.get(key);
              if (had !== undefined) {
                expect(claimIn(answer)).to.deep.equal(had);
                if (had.generation === 0) expect(answer?.kind).to.equal("replay");
                else if (settled.has(had.seq)) expect(answer?.kind).to.equal("replay");
                else expect(answer?.kind).to.equal("pending");
              } else if (hadAll.has(user)) expect(answer?.kind).to.equal("full");
              // Where the codes run out in this call, both are true of a user that has just got its last one.
              else if (of(user).length === most)
                expect(answer?.kind).to.be.oneOf(runsOut ? ["full", "sold"] : ["full"]);
              else if (left === 0) expect(answer?.kind).to.equal("sold");
              else {
                const made = claimIn(answer);
                expect(answer?.kind).to.equal("claimed");
                expect(of(user).map(({ place }) => place)).not.to.include(made.place);
                expect(made.place).to.be.within(1, most);
                bound.set(key, made);
                left -= 1;
              }
            }
          }
          const { claims, open } = await contentsOf(raw, campaignId);
          expect(Object.keys(claims)).to.have.length(bound.size);
          expect(open).to.have.length(left);
          await raw.del(Object.values(campaignKeys(campaignId)));
        },
      ),
      { numRuns: RUNS },
    );
  });
});
