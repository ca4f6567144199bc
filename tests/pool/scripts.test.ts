import { expect } from "chai";
import type { Claim } from "../../pool/answers.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { Pool } from "../../pool/pool.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import { NewerShape, SHAPE_MAX } from "../../runtime/stored-shape.ts";
import { claimAll, claimIn, HOUR_MS, loadedPool } from "../support/loaded-pool.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

describe("pool scripts", () => {
  const stores = withStores();
  let pool: Pool;
  let raw: RawRedis;

  before(async () => {
    pool = stores.pool;
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  after(async () => {
    raw.destroy();
  });

  const contents = (campaignId: string) => contentsOf(raw, campaignId);
  const kinds = async (campaignId: string, ...keys: string[]) =>
    (await claimAll(pool, campaignId, Date.now(), ...keys)).map((answer) => answer.kind);

  describe("claim: the start", () => {
    it("is early by the caller's clock although Redis is past it, with the exact wait", async () => {
      const { campaignId, startsAtMs } = await loadedPool(pool, { state: "staged" });
      const before = await contents(campaignId);
      const answers = await claimAll(pool, campaignId, startsAtMs - 250, "a", "b");
      expect(answers).to.deep.equal([
        { kind: "early", waitMs: 250, redisWaitMs: 0, startsAtMs },
        { kind: "early", waitMs: 250, redisWaitMs: 0, startsAtMs },
      ]);
      expect(await claimAll(pool, campaignId, startsAtMs - 1, "a")).to.deep.equal([
        { kind: "early", waitMs: 1, redisWaitMs: 0, startsAtMs },
      ]);
      expect(await contents(campaignId)).to.deep.equal(before);
    });

    it("is early by the clock of Redis although the caller is past it", async () => {
      const startsAtMs = Date.now() + HOUR_MS;
      const { campaignId } = await loadedPool(pool, { state: "staged", startsAtMs });
      const before = await contents(campaignId);
      const askedAtMs = Date.now();
      const [answer] = await claimAll(pool, campaignId, startsAtMs + HOUR_MS, "a");
      if (answer?.kind !== "early") throw new Error(`not early: ${answer?.kind}`);
      expect(answer.waitMs).to.be.within(startsAtMs - Date.now() - 5, startsAtMs - askedAtMs + 5);
      expect(answer.redisWaitMs).to.equal(answer.waitMs);
      expect(await contents(campaignId)).to.deep.equal(before);
    });

    it("opens on the first claim when both clocks have reached it, to the millisecond", async () => {
      const { campaignId, startsAtMs } = await loadedPool(pool, { state: "staged" });
      const askedAtMs = Date.now();
      const [answer] = await claimAll(pool, campaignId, startsAtMs, "a");
      const claim = claimIn(answer);
      expect(answer?.kind).to.equal("claimed");
      expect(claim).to.include({ code: "가1", generation: 1, seq: 1, claimKey: "a", campaignId });
      expect(claim.issuedAtMs).to.be.within(askedAtMs - 5, Date.now() + 5);
      const { meta, staged, open, claims, ledger } = await contents(campaignId);
      expect(meta).to.include({ state: "open", seq: "1", armedAt: String(claim.issuedAtMs) });
      expect([staged, open]).to.deep.equal([[], ["나2", "다3"]]);
      expect(claims).to.deep.equal({ a: `가1 1-1 ${claim.issuedAtMs}` });
      expect(ledger).to.deep.equal([
        { id: "1-1", message: { k: "a", c: "가1", t: String(claim.issuedAtMs) } },
      ]);
    });

    it("once open, no clock that steps back closes it, and no instant is before the opening", async () => {
      const armedAtMs = Date.now() + HOUR_MS;
      const { campaignId, startsAtMs } = await loadedPool(pool, { state: "open", armedAtMs });
      const [answer] = await claimAll(pool, campaignId, startsAtMs - 10 * HOUR_MS, "a");
      expect(answer?.kind).to.equal("claimed");
      expect(claimIn(answer).issuedAtMs).to.equal(armedAtMs);
    });
  });

  describe("claim: the end", () => {
    const ends = { endsAtMs: Date.now() - HOUR_MS / 2 };

    it("issues while the caller's clock has not reached it, although Redis has", async () => {
      const { campaignId, endsAtMs } = await loadedPool(pool, ends);
      const [answer] = await claimAll(pool, campaignId, endsAtMs - 1, "a");
      expect(answer?.kind).to.equal("claimed");
    });

    it("issues while Redis has not reached it, although the caller has", async () => {
      const { campaignId, endsAtMs } = await loadedPool(pool, { endsAtMs: Date.now() + HOUR_MS });
      const [answer] = await claimAll(pool, campaignId, endsAtMs + HOUR_MS, "a");
      expect(answer?.kind).to.equal("claimed");
    });

    it("ends when both have, for good, and keeps the codes that are left", async () => {
      const { campaignId, endsAtMs } = await loadedPool(pool, ends);
      expect(await claimAll(pool, campaignId, endsAtMs, "a")).to.deep.equal([
        { kind: "not-open", state: "ended" },
      ]);
      expect(await claimAll(pool, campaignId, endsAtMs - HOUR_MS, "a")).to.deep.equal([
        { kind: "not-open", state: "ended" },
      ]);
      const { meta, open, claims } = await contents(campaignId);
      expect([meta["state"], meta["seq"], open.length, claims]).to.deep.equal(["ended", "0", 3, {}]);
    });

    it("a campaign that slept through start and end opens and ends in one step", async () => {
      const { campaignId } = await loadedPool(pool, { state: "staged", ...ends });
      expect(await kinds(campaignId, "a")).to.deep.equal(["not-open"]);
      const { meta, staged, open } = await contents(campaignId);
      expect([meta["state"], staged.length, open.length]).to.deep.equal(["ended", 0, 3]);
    });
  });

  describe("claim: who gets what", () => {
    it("pops in order, one code a key, also for a key that is in the batch twice", async () => {
      const { campaignId } = await loadedPool(pool);
      const answers = await claimAll(pool, campaignId, Date.now(), "a", "b", "a", "b", "b");
      expect(answers.map(({ kind }) => kind)).to.deep.equal([
        "claimed",
        "claimed",
        "pending",
        "pending",
        "pending",
      ]);
      expect(answers.map((answer) => claimIn(answer).code)).to.deep.equal([
        "가1",
        "나2",
        "가1",
        "나2",
        "나2",
      ]);
      expect(answers.map((answer) => claimIn(answer).seq)).to.deep.equal([1, 2, 1, 2, 2]);
      expect((await contents(campaignId)).open).to.deep.equal(["다3"]);
    });

    it("more asks than codes: the first get one, the others are sold out, and their twins too", async () => {
      const { campaignId } = await loadedPool(pool);
      expect(await kinds(campaignId, "a", "b", "c", "d", "a", "d")).to.deep.equal([
        "claimed",
        "claimed",
        "claimed",
        "sold",
        "pending",
        "sold",
      ]);
      const { meta, open, claims, ledger } = await contents(campaignId);
      expect([meta["seq"], open, Object.keys(claims), ledger.length]).to.deep.equal([
        "3",
        [],
        ["a", "b", "c"],
        3,
      ]);
    });

    it("a key asks again: pending until its ledger entry is dropped, a replay from then on, always the same coupon", async () => {
      const { campaignId } = await loadedPool(pool);
      const first = claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
      expect(await claimAll(pool, campaignId, Date.now(), "a")).to.deep.equal([
        { kind: "pending", claim: first },
      ]);
      expect(await pool.settle(campaignId, 1, [1])).to.equal("settled");
      expect(await claimAll(pool, campaignId, Date.now(), "a")).to.deep.equal([
        { kind: "replay", claim: first },
      ]);
    });

    it("a replay comes before sold out", async () => {
      const { campaignId } = await loadedPool(pool, { codes: ["가1"] });
      const [won] = await claimAll(pool, campaignId, Date.now(), "a");
      expect(await claimAll(pool, campaignId, Date.now(), "b", "a")).to.deep.equal([
        { kind: "sold", total: 1 },
        { kind: "pending", claim: claimIn(won) },
      ]);
    });

    for (const state of ["staged", "ended", "cancelled"] as const) {
      it(`a replay comes before ${state}`, async () => {
        const held = { claimKey: "a", userId: "", code: "라4", generation: 1, seq: 7, issuedAtMs: 12_345 };
        const { campaignId } = await loadedPool(pool, {
          state,
          generation: 2,
          claims: [held],
          startsAtMs: Date.now() + HOUR_MS,
        });
        const [known, stranger] = await claimAll(pool, campaignId, Date.now(), "a", "b");
        expect(known).to.deep.equal({ kind: "replay", claim: { ...held, campaignId } });
        expect(stranger?.kind).to.equal(state === "staged" ? "early" : "not-open");
      });
    }

    it("paused issues nothing, says so, and still replays", async () => {
      const { campaignId } = await loadedPool(pool);
      await claimAll(pool, campaignId, Date.now(), "a");
      await raw.hSet(campaignKeys(campaignId).meta, "state", "paused");
      const answers = await claimAll(pool, campaignId, Date.now(), "b", "a");
      expect(answers[0]).to.deep.equal({ kind: "not-open", state: "paused" });
      expect(answers[1]?.kind).to.equal("pending");
    });

    it("writes the user into the ledger where it is not the claim key, and never otherwise", async () => {
      const { campaignId } = await loadedPool(pool);
      await pool.claim(campaignId, Date.now(), [
        { claimKey: "request-1", userId: "정 아무개" },
        { claimKey: "request-2", userId: "" },
      ]);
      const { ledger } = await contents(campaignId);
      expect(ledger.map(({ message }) => message["u"])).to.deep.equal(["정 아무개", undefined]);
      const page = await pool.ledgerPage(campaignId, 0, "-", 10);
      expect(page.claims.map(({ userId }) => userId)).to.deep.equal(["정 아무개", ""]);
    });

    it("gives itself up where a newer generation is known: before it pops anything or opens", async () => {
      for (const state of ["open", "staged"] as const) {
        const target = await loadedPool(pool, { state, generation: 4 });
        const before = await contents(target.campaignId);
        const asks = [{ claimKey: "a", userId: "" }];
        const [known] = await pool.claim(target.campaignId, Date.now(), asks, "recall", 4);
        expect(known?.kind).to.equal("withheld");
        const [answer] = await pool.claim(target.campaignId, Date.now(), asks, "issue", 5);
        expect(answer).to.deep.equal({ kind: "fenced" });
        const { meta, ...rest } = await contents(target.campaignId);
        const { meta: metaBefore, ...restBefore } = before;
        expect(meta["token"]).to.equal("");
        expect(metaBefore["token"]).to.not.equal("");
        if (state === "open") expect(rest).to.deep.equal(restBefore);
        expect((await pool.inspect(target.campaignId)).status).to.equal("fenced");
        expect((await pool.advance(target.campaignId, Date.now(), 5)).kind).to.equal("fenced");
      }
    });

    it("advance gives an outdated pool up too, and opens nothing", async () => {
      const { campaignId } = await loadedPool(pool, { state: "staged", generation: 4 });
      expect((await pool.advance(campaignId, Date.now(), 5)).kind).to.equal("fenced");
      const { meta, staged, open } = await contents(campaignId);
      expect([meta["state"], meta["token"], staged.length, open.length]).to.deep.equal(["staged", "", 3, 0]);
    });

    it("takes 1,000 keys at once", async () => {
      const codes = Array.from({ length: 1_000 }, (_, i) => `가${i}`);
      const { campaignId } = await loadedPool(pool, { codes });
      const keys = codes.map((_, i) => `user-${i}`);
      const answers = await claimAll(pool, campaignId, Date.now(), ...keys);
      expect(answers.map((answer) => claimIn(answer).code)).to.deep.equal(codes);
      expect(answers.map((answer) => claimIn(answer).seq)).to.deep.equal(codes.map((_, i) => i + 1));
      const seqs = answers.map((answer) => claimIn(answer).seq);
      expect(await pool.settle(campaignId, 1, seqs)).to.equal("settled");
      expect((await contents(campaignId)).ledger).to.deep.equal([]);
    });

    it("any text is safe as a key and as a user, through every script", async () => {
      const strange = [
        "with space",
        "가1 1-1 99",
        "{x}",
        "cp:{x}:meta",
        "line\nbreak\r\nDEL all",
        "quote \" and ' and \\",
        "*",
        "__proto__",
        "정아무개",
        "👨‍👩‍👧",
        "a\u0000b",
        "-",
        "0",
        "x".repeat(128),
        " ",
        "$5\r\nhello",
        "%s %d",
      ];
      const codes = strange.map((_, i) => `가${i}`);
      const { campaignId } = await loadedPool(pool, { codes });
      const asks = strange.map((claimKey) => ({ claimKey, userId: `user of ${claimKey}` }));
      const claimed = (await pool.claim(campaignId, Date.now(), asks)).map(claimIn);
      expect(claimed.map(({ code }) => code)).to.deep.equal(codes);
      const again = await pool.claim(campaignId, Date.now(), asks);
      expect(again).to.deep.equal(claimed.map((claim) => ({ kind: "pending", claim })));
      expect((await pool.ledgerPage(campaignId, 0, "-", 1_000)).claims).to.deep.equal(claimed);
      for (const claim of claimed) {
        const winner = { ...claim, code: `다른${claim.code}`, seq: 900 + claim.seq };
        expect(await pool.release(claim, true, winner)).to.equal("released");
        expect(await claimAll(pool, campaignId, Date.now(), claim.claimKey)).to.deep.equal([
          { kind: "replay", claim: { ...winner, userId: "" } },
        ]);
      }
      const { open, ledger } = await contents(campaignId);
      expect([[...open].sort(), ledger]).to.deep.equal([[...codes].sort(), []]);
      const reloaded = await loadedPool(pool, {
        codes: [],
        claims: claimed.map(({ campaignId: _, ...claim }) => claim),
      });
      const replayed = await pool.claim(reloaded.campaignId, Date.now(), asks);
      expect(replayed.map(({ kind }) => kind)).to.deep.equal(strange.map(() => "replay"));
      expect(replayed.map((answer) => claimIn(answer).code)).to.deep.equal(codes);
    });
  });

  describe("claim: recall", () => {
    const recall = (campaignId: string, ...keys: string[]) =>
      pool.claim(
        campaignId,
        Date.now(),
        keys.map((claimKey) => ({ claimKey, userId: "" })),
        "recall",
      );

    it("answers what is known and pops nothing", async () => {
      const { campaignId } = await loadedPool(pool);
      const won = claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
      const before = await contents(campaignId);
      expect(await recall(campaignId, "a", "b", "a", "b")).to.deep.equal([
        { kind: "pending", claim: won },
        { kind: "withheld" },
        { kind: "pending", claim: won },
        { kind: "withheld" },
      ]);
      expect(await contents(campaignId)).to.deep.equal(before);
    });

    it("knows sold out, early and ended as ever, and none and fenced too", async () => {
      const soldOut = await loadedPool(pool, { codes: ["가1"] });
      await claimAll(pool, soldOut.campaignId, Date.now(), "a");
      const startsAtMs = Date.now() + HOUR_MS;
      const early = await loadedPool(pool, { state: "staged", startsAtMs });
      const ended = await loadedPool(pool, { state: "ended" });
      const fenced = await loadedPool(pool);
      await raw.hSet(campaignKeys(fenced.campaignId).meta, "token", "elsewhere");
      const ids = [soldOut, early, ended, fenced].map(({ campaignId }) => campaignId);
      const answers = [];
      for (const id of [...ids, newCampaignId(Date.now())]) answers.push(...(await recall(id, "b")));
      expect(answers.map(({ kind }) => kind)).to.deep.equal(["sold", "early", "not-open", "fenced", "none"]);
    });
  });

  describe("distrust", () => {
    it("a pool of that generation answers nobody any more, keeps everything, and can be made again", async () => {
      const { campaignId, ...target } = await loadedPool(pool, { generation: 3 });
      const won = claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
      const { meta, ...before } = await contents(campaignId);
      expect(await pool.distrust(campaignId, 3)).to.equal("distrusted");
      const { meta: now, ...after } = await contents(campaignId);
      expect(after).to.deep.equal(before);
      expect(now).to.deep.equal({ ...meta, token: "" });
      expect(await kinds(campaignId, "a", "b")).to.deep.equal(["fenced", "fenced"]);
      expect((await pool.ledgerPage(campaignId, 0, "-", 10)).claims).to.deep.equal([won]);
      expect(await pool.loadBegin(campaignId, 4)).to.equal("begun");
      await pool.loadCodes(campaignId, 4, 0, ["나2", "다3"]);
      await pool.loadClaims(campaignId, 4, [won]);
      expect(await pool.loadCommit({ ...target, campaignId, generation: 4 })).to.equal("loaded");
      expect(await kinds(campaignId, "a", "b")).to.deep.equal(["replay", "claimed"]);
    });

    it("another generation, or none, is left alone", async () => {
      const { campaignId } = await loadedPool(pool, { generation: 3 });
      const before = await contents(campaignId);
      for (const generation of [2, 4, 0])
        expect(await pool.distrust(campaignId, generation)).to.equal("moved");
      expect(await contents(campaignId)).to.deep.equal(before);
      const nowhere = newCampaignId(Date.now());
      expect(await pool.distrust(nowhere, 0)).to.equal("moved");
      expect(await raw.exists(campaignKeys(nowhere).meta)).to.equal(0);
    });
  });

  describe("advance", () => {
    it("says staged and the wait, opened once, open afterwards", async () => {
      const { campaignId, startsAtMs } = await loadedPool(pool, { state: "staged" });
      const early = await pool.advance(campaignId, startsAtMs - 40);
      expect(early).to.include({ kind: "ok", state: "staged", changed: "", waitMs: 40, armedAtMs: 0 });
      const opened = await pool.advance(campaignId, Date.now());
      if (opened.kind !== "ok") throw new Error(opened.kind);
      expect(opened).to.include({ state: "open", changed: "opened", waitMs: 0, generation: 1 });
      expect(opened.armedAtMs).to.equal(opened.redisNowMs);
      const again = await pool.advance(campaignId, Date.now());
      expect(again).to.include({ state: "open", changed: "", armedAtMs: opened.armedAtMs });
    });

    it("ends once, when both clocks have reached the end", async () => {
      const { campaignId, endsAtMs } = await loadedPool(pool, { endsAtMs: Date.now() - 1_000 });
      expect(await pool.advance(campaignId, endsAtMs - 1)).to.include({ state: "open", changed: "" });
      expect(await pool.advance(campaignId, endsAtMs)).to.include({ state: "ended", changed: "ended" });
      expect(await pool.advance(campaignId, endsAtMs - HOUR_MS)).to.include({
        state: "ended",
        changed: "",
      });
    });

    it("never renames over a live pool: one with a staged list beside an open one, or without any, is given up", async () => {
      for (const damage of ["beside", "missing"] as const) {
        const { campaignId } = await loadedPool(pool, { state: "staged" });
        const k = campaignKeys(campaignId);
        if (damage === "beside") await raw.rPush(k.open, "은1");
        else await raw.del(k.staged);
        const before = await contents(campaignId);
        expect(await pool.advance(campaignId, Date.now())).to.deep.equal({ kind: "fenced" });
        expect(await kinds(campaignId, "a")).to.deep.equal(["fenced"]);
        expect(await pool.inspect(campaignId)).to.include({ status: "fenced" });
        expect({ ...(await contents(campaignId)), meta: 0 }).to.deep.equal({ ...before, meta: 0 });
      }
    });

    it("never says sold out while codes have vanished: the pool is given up, holders still get theirs", async () => {
      for (const left of ["list", "nothing"] as const) {
        const { campaignId } = await loadedPool(pool, { state: "staged" });
        expect(await kinds(campaignId, "a")).to.deep.equal(["claimed"]);
        const k = campaignKeys(campaignId);
        if (left === "nothing") await raw.del(k.open);
        else await raw.lTrim(k.open, 0, 0);
        const asked = left === "nothing" ? ["a", "b"] : ["a", "b", "c"];
        const told = left === "nothing" ? ["pending", "fenced"] : ["pending", "claimed", "fenced"];
        expect(await kinds(campaignId, ...asked)).to.deep.equal(told);
        expect(await pool.inspect(campaignId)).to.include({ status: "fenced" });
      }
    });
  });

  describe("nothing there, or loaded elsewhere", () => {
    const claim: Claim = {
      campaignId: "",
      claimKey: "a",
      userId: "",
      code: "가1",
      generation: 1,
      seq: 1,
      issuedAtMs: 5,
    };

    async function allWriters(campaignId: string): Promise<unknown[]> {
      const bound = { ...claim, campaignId };
      return [
        ...(await kinds(campaignId, "a", "b")),
        (await pool.advance(campaignId, Date.now())).kind,
        (await pool.inspect(campaignId)).status,
        await pool.settle(campaignId, 1, [1]),
        await pool.adopt(bound),
        await pool.release(bound, true, bound),
      ];
    }

    it("every script says none for a campaign that was never loaded, and writes nothing", async () => {
      const campaignId = newCampaignId(Date.now());
      expect(await allWriters(campaignId)).to.deep.equal(Array(7).fill("none"));
      expect(await raw.exists(Object.values(campaignKeys(campaignId)))).to.equal(0);
    });

    it("every script says fenced for another token, and writes nothing", async () => {
      const { campaignId } = await loadedPool(pool);
      await claimAll(pool, campaignId, Date.now(), "a");
      await raw.hSet(campaignKeys(campaignId).meta, "token", "elsewhere");
      const before = await contents(campaignId);
      expect(await allWriters(campaignId)).to.deep.equal(Array(7).fill("fenced"));
      expect(await contents(campaignId)).to.deep.equal(before);
    });

    it("a pool without a shape is of the first one, and answers", async () => {
      const { campaignId } = await loadedPool(pool);
      await raw.hDel(campaignKeys(campaignId).meta, "shape");
      expect(await kinds(campaignId, "a")).to.deep.equal(["claimed"]);
    });

    it("no script reads or changes a pool of a newer shape, in any state of it", async () => {
      for (const damage of [{}, { token: "elsewhere" }, { held: "2" }]) {
        const { campaignId, ...target } = await loadedPool(pool);
        const held = claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
        await raw.hSet(campaignKeys(campaignId).meta, { ...damage, shape: SHAPE_MAX + 1 });
        const before = await contents(campaignId);
        const calls: Record<string, () => Promise<unknown>> = {
          claim: () => claimAll(pool, campaignId, Date.now(), "a", "b"),
          advance: () => pool.advance(campaignId, Date.now()),
          inspect: () => pool.inspect(campaignId),
          frontier: () => pool.frontier(campaignId),
          settle: () => pool.settle(campaignId, 1, [1]),
          adopt: () => pool.adopt({ ...claim, campaignId }),
          release: () => pool.release(held, true, { ...claim, campaignId }),
          distrust: () => pool.distrust(campaignId, 1),
          freeze: () => pool.freeze(campaignId, Date.now(), 2),
          turn: () => pool.turn({ ...target, campaignId, generation: 2 }),
          topUp: () => pool.topUp(campaignId, 1, 3, ["라4"], ""),
          loadBegin: () => pool.loadBegin(campaignId, 2),
          loadCommit: () => pool.loadCommit({ ...target, campaignId, generation: 2 }),
        };
        for (const [name, call] of Object.entries(calls)) {
          const error = await call().catch((thrown: unknown) => thrown);
          expect(error, name).to.be.instanceOf(NewerShape);
          expect(String(error), name).to.include(`the pool has shape ${SHAPE_MAX + 1}`);
        }
        expect(await contents(campaignId)).to.deep.equal(before);
      }
    });

    it("inspect counts what is there, whatever its status", async () => {
      const { campaignId } = await loadedPool(pool, { generation: 4 });
      await claimAll(pool, campaignId, Date.now(), "a");
      const counts = { generation: 4, state: "open", stagedCodes: 0, openCodes: 2, claims: 1, ledger: 1 };
      expect(await pool.inspect(campaignId)).to.include({ status: "ok", ...counts });
      await raw.hSet(campaignKeys(campaignId).meta, "token", "elsewhere");
      expect(await pool.inspect(campaignId)).to.include({ status: "fenced", ...counts });
    });
  });

  describe("settle", () => {
    it("drops what it is told, ignores what is gone, and keeps the rest", async () => {
      const { campaignId } = await loadedPool(pool);
      await claimAll(pool, campaignId, Date.now(), "a", "b", "c");
      expect(await pool.settle(campaignId, 1, [1, 3, 99])).to.equal("settled");
      expect(await pool.settle(campaignId, 1, [1])).to.equal("settled");
      expect((await contents(campaignId)).ledger.map(({ id }) => id)).to.deep.equal(["1-2"]);
    });

    it("is stale for another generation, and touches nothing", async () => {
      const { campaignId } = await loadedPool(pool, { generation: 2 });
      await claimAll(pool, campaignId, Date.now(), "a");
      expect(await pool.settle(campaignId, 1, [1])).to.equal("stale");
      expect((await contents(campaignId)).ledger).to.have.length(1);
    });
  });

  describe("release", () => {
    async function lostClaim(): Promise<Claim> {
      const { campaignId } = await loadedPool(pool);
      return claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
    }

    it("free: the code goes to the front of the pool, the key gets what it holds", async () => {
      const lost = await lostClaim();
      const winner = { ...lost, code: "옛1", generation: 0, seq: 3, issuedAtMs: 77 };
      expect(await pool.release(lost, true, winner)).to.equal("released");
      const { open, claims, ledger } = await contents(lost.campaignId);
      expect([open, claims, ledger]).to.deep.equal([["가1", "나2", "다3"], { a: "옛1 0-3 77" }, []]);
      expect(await pool.release(lost, true, winner)).to.equal("moved");
      expect((await contents(lost.campaignId)).open).to.have.length(3);
    });

    it("taken: the code leaves the pool, its owner is bound, the key claims anew", async () => {
      const lost = await lostClaim();
      const owner = { ...lost, claimKey: "owner", generation: 0, seq: 9, issuedAtMs: 77 };
      expect(await pool.release(lost, false, owner)).to.equal("released");
      const { open, claims } = await contents(lost.campaignId);
      expect([open, claims]).to.deep.equal([["나2", "다3"], { owner: "가1 0-9 77" }]);
      const [again] = await claimAll(pool, lost.campaignId, Date.now(), "a");
      expect([again?.kind, claimIn(again).code]).to.deep.equal(["claimed", "나2"]);
    });

    it("never overwrites a binding of the winner that stands", async () => {
      const lost = await lostClaim();
      const [other] = await claimAll(pool, lost.campaignId, Date.now(), "b");
      expect(await pool.release(lost, false, { ...lost, claimKey: "b" })).to.equal("released");
      const [again] = await claimAll(pool, lost.campaignId, Date.now(), "b");
      expect(claimIn(again)).to.deep.equal(claimIn(other));
    });

    it("a binding that differs in anything is moved: nothing changes", async () => {
      const lost = await lostClaim();
      const before = await contents(lost.campaignId);
      for (const other of [
        { ...lost, seq: 2 },
        { ...lost, generation: 2 },
        { ...lost, code: "나2" },
        { ...lost, claimKey: "b" },
        { ...lost, issuedAtMs: lost.issuedAtMs + 1 },
      ])
        expect(await pool.release(other, true, lost)).to.equal("moved");
      expect(await contents(lost.campaignId)).to.deep.equal(before);
    });

    it("hands back to the list that is being used: staged before the start", async () => {
      const held = { claimKey: "a", userId: "", code: "라4", generation: 1, seq: 7, issuedAtMs: 12_345 };
      const { campaignId } = await loadedPool(pool, { state: "staged", generation: 2, claims: [held] });
      const lost = { ...held, campaignId };
      expect(await pool.release(lost, true, { ...lost, code: "마5", seq: 8 })).to.equal("released");
      expect((await contents(campaignId)).staged[0]).to.equal("라4");
      expect((await contents(campaignId)).open).to.deep.equal([]);
    });
  });

  describe("adopt", () => {
    it("takes the code out of the pool and binds it; again changes nothing", async () => {
      for (const state of ["staged", "open"] as const) {
        const { campaignId } = await loadedPool(pool, { state, generation: 2 });
        const late = {
          campaignId,
          claimKey: "a",
          userId: "",
          code: "나2",
          generation: 1,
          seq: 5,
          issuedAtMs: 9,
        };
        expect(await pool.adopt(late)).to.equal("adopted");
        const after = await contents(campaignId);
        expect(after[state]).to.deep.equal(["가1", "다3"]);
        expect(after.claims).to.deep.equal({ a: "나2 1-5 9" });
        expect(await pool.adopt(late)).to.equal("adopted");
        expect(await contents(campaignId)).to.deep.equal(after);
      }
    });

    it("a key that holds another code by now keeps it", async () => {
      const { campaignId } = await loadedPool(pool, { generation: 2 });
      const [now] = await claimAll(pool, campaignId, Date.now(), "a");
      const late = { ...claimIn(now), code: "다3", generation: 1, seq: 5 };
      expect(await pool.adopt(late)).to.equal("bound");
      const { open, claims } = await contents(campaignId);
      expect(open).to.deep.equal(["나2"]);
      expect(claims["a"]).to.match(/^가1 2-1 /);
    });
  });

  describe("ledger", () => {
    it("pages through all entries, oldest first, each once", async () => {
      const codes = Array.from({ length: 7 }, (_, i) => `가${i}`);
      const { campaignId } = await loadedPool(pool, { codes });
      const keys = codes.map((_, i) => `user-${i}`);
      await claimAll(pool, campaignId, Date.now(), ...keys);
      const seen: string[] = [];
      const sizes: number[] = [];
      let after = "-";
      do {
        const page = await pool.ledgerPage(campaignId, 0, after, 3);
        seen.push(...page.claims.map(({ claimKey }) => claimKey));
        sizes.push(page.claims.length);
        after = page.next;
      } while (after !== "");
      expect([seen, sizes]).to.deep.equal([keys, [3, 3, 1]]);
    });

    it("leaves out what is too young, takes what is old and what a stepped clock put into the future", async () => {
      const campaignId = newCampaignId(Date.now());
      const { ledger } = campaignKeys(campaignId);
      const ages = { young: 1_000, old: 60_000, ancient: HOUR_MS, future: -HOUR_MS };
      let seq = 0;
      for (const [name, ageMs] of Object.entries(ages)) {
        const fields = { k: name, c: "가1", t: String(Date.now() - ageMs) };
        await raw.xAdd(ledger, `1-${++seq}`, fields);
      }
      const page = await pool.ledgerPage(campaignId, 30_000, "-", 10);
      expect(page.claims.map(({ claimKey }) => claimKey)).to.deep.equal(["old", "ancient", "future"]);
      expect(page.next).to.equal("");
    });

    it("is empty where there is none", async () => {
      const page = await pool.ledgerPage(newCampaignId(Date.now()), 0, "-", 10);
      expect(page).to.deep.equal({ claims: [], next: "" });
    });
  });
});
