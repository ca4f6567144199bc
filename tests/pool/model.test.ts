import { expect } from "chai";
import fc from "fast-check";
import type { Claim, ClaimAnswer, PoolState } from "../../pool/answers.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { Pool } from "../../pool/pool.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import { HOUR_MS } from "../support/loaded-pool.ts";
import * as model from "../support/pool-model.ts";
import { contentsOf, openRawRedis, type RawRedis, tokenOf } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

/**
 * Two clocks on one machine, read at two moments: Redis uses whole milliseconds, and caches its clock within
 * a turn of its event loop.
 */
const CLOCK_SLACK_MS = 30;

/** In addition to the histories that are always run. */
const MORE_HISTORIES_MAX = 300;

type Bindings = readonly { readonly key: string; readonly code: string; readonly seq: number }[];
type Op =
  | {
      op: "claim";
      asks: { claimKey: string; userId: string }[];
      callerOffsetMs: number;
      from: Instant;
      mode: "issue" | "recall";
      least: number;
    }
  | { op: "advance"; callerOffsetMs: number; from: Instant; least: number }
  | { op: "settle"; generationOffset: number; seqs: number[] }
  | { op: "settle-all" }
  | { op: "adopt"; pick: number; key: string; code: string }
  | {
      op: "release";
      pick: number;
      free: boolean;
      winner: "same-key" | "other";
      other: string;
      change: boolean;
    }
  | { op: "ledger"; leastAgeMs: number; afterPick: number; limit: number }
  | {
      op: "load";
      state: LoadState;
      codes: number;
      claims: Bindings;
      start: number;
      end: number;
      arm: number;
      totalError: number;
    }
  | { op: "load-begin"; generationOffset: number }
  | { op: "load-codes"; generationOffset: number; offsetError: number; codes: number }
  | { op: "load-claims"; generationOffset: number; claims: Bindings }
  | { op: "load-commit"; generationOffset: number; totalError: number; state: LoadState }
  | { op: "inspect" }
  | { op: "freeze"; callerOffsetMs: number; from: Instant; generationOffset: number; least: number }
  | { op: "change"; state: LoadState; start: number; end: number }
  | { op: "turn"; generationOffset: number; state: LoadState; start: number; end: number }
  | {
      op: "top-up";
      generationOffset: number;
      offsetError: number;
      codes: number;
      waited: boolean;
      dry: boolean;
    }
  | { op: "distrust"; generationOffset: number }
  | { op: "lose-token"; of: "meta" | "loading" };
type Instant = "start" | "end" | "now";
type LoadState = PoolState;

const keyArb = fc.constantFrom("a", "b", "c", "d", "e f", "가 1-1 9", "{g}", "h\ni");
const bindingsArb = fc.uniqueArray(
  fc.record({ key: keyArb, code: fc.constantFrom("가7", "나8", "다9", "라0"), seq: fc.nat(9) }),
  { maxLength: 3, selector: ({ key }) => key },
);
const stateArb = fc.constantFrom<LoadState>(
  ...([
    "staged",
    "staged",
    "staged",
    "staged",
    "open",
    "open",
    "open",
    "paused",
    "ended",
    "cancelled",
  ] as const),
);
const fromArb = fc.constantFrom<Instant>("now", "now", "start", "end");
const offsetArb = fc.constantFrom(-1_000, -1, 0, 1, 1_000);
const generationArb = fc.constantFrom(0, 0, 0, 0, -1, 1);

const loadArb: fc.Arbitrary<Op> = fc.record({
  op: fc.constant("load" as const),
  state: stateArb,
  codes: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
  claims: bindingsArb,
  start: fc.constantFrom(-HOUR_MS, -HOUR_MS, -HOUR_MS, HOUR_MS),
  end: fc.constantFrom(0, 0, HOUR_MS / 2, 2 * HOUR_MS),
  arm: fc.constantFrom(-HOUR_MS, -HOUR_MS, HOUR_MS),
  totalError: fc.constantFrom(...Array(14).fill(0), 1, -1),
});

/** The least generation that the caller accepts, as an offset to the pool's; above 0 the pool must refuse. */
const leastArb = fc.constantFrom(-9, -1, 0, 0, 0, 0, 1);

const opArb: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      op: fc.constant("claim" as const),
      asks: fc.array(fc.record({ claimKey: keyArb, userId: fc.constantFrom("", "", "u", "u v") }), {
        minLength: 1,
        maxLength: 6,
      }),
      callerOffsetMs: offsetArb,
      from: fromArb,
      mode: fc.constantFrom("issue" as const, "issue" as const, "issue" as const, "recall" as const),
      least: leastArb,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("advance" as const),
      callerOffsetMs: offsetArb,
      from: fromArb,
      least: leastArb,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("settle" as const),
      generationOffset: generationArb,
      seqs: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("settle-all" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("adopt" as const),
      pick: fc.nat(20),
      key: keyArb,
      code: fc.constantFrom("", "", "fremd"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("release" as const),
      pick: fc.nat(20),
      free: fc.boolean(),
      winner: fc.constantFrom("same-key" as const, "other" as const),
      other: keyArb,
      change: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("ledger" as const),
      leastAgeMs: fc.constantFrom(0, HOUR_MS),
      afterPick: fc.nat(6),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 4, arbitrary: loadArb },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("load-begin" as const), generationOffset: generationArb }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("load-codes" as const),
      generationOffset: generationArb,
      offsetError: fc.constantFrom(0, 0, 0, 1, -1),
      codes: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("load-claims" as const),
      generationOffset: generationArb,
      claims: bindingsArb.filter((claims) => claims.length > 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("load-commit" as const),
      generationOffset: generationArb,
      totalError: fc.constantFrom(0, 0, 0, 1, -1),
      state: stateArb,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("freeze" as const),
      callerOffsetMs: offsetArb,
      from: fromArb,
      // An offset to the next generation: a change takes that one, unless its messages are late.
      generationOffset: fc.constantFrom(0, 0, 0, 0, -1, 1),
      least: leastArb,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("change" as const),
      state: fc.constantFrom<LoadState>("open", "open", "paused", "staged", "cancelled"),
      start: fc.constantFrom(-HOUR_MS, -HOUR_MS, HOUR_MS),
      end: fc.constantFrom(0, 0, HOUR_MS / 2, 2 * HOUR_MS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("turn" as const),
      generationOffset: fc.constantFrom(0, 0, 0, 0, -1, 1),
      state: stateArb,
      start: fc.constantFrom(-HOUR_MS, -HOUR_MS, HOUR_MS),
      end: fc.constantFrom(0, 0, HOUR_MS / 2, 2 * HOUR_MS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("top-up" as const),
      generationOffset: generationArb,
      offsetError: fc.constantFrom(0, 0, 0, 0, 1, -1),
      codes: fc.integer({ min: 1, max: 3 }),
      waited: fc.boolean(),
      dry: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("inspect" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("distrust" as const), generationOffset: generationArb }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("lose-token" as const),
      of: fc.constantFrom("meta" as const, "meta" as const, "loading" as const),
    }),
  },
);

/** A pool that has run dry and is about to get added codes; claims come before it has them. */
const DRY_AND_ADDED_TO: readonly Op[] = [
  {
    ...{ op: "load", state: "open", codes: 2, claims: [] },
    ...{ start: -HOUR_MS, end: 0, arm: -HOUR_MS, totalError: 0 },
  },
  { op: "top-up", generationOffset: 0, offsetError: 0, codes: 1, waited: false, dry: true },
  {
    ...{ op: "claim", callerOffsetMs: 0, from: "now", mode: "issue", least: 0 },
    asks: [{ claimKey: "too late", userId: "" }],
  },
  { op: "top-up", generationOffset: 0, offsetError: 0, codes: 1, waited: true, dry: false },
];

/** How often each case has occurred: a model test that never meets the hazard proves nothing. */
const seen = new Map<string, number>();
const saw = (what: string) => void seen.set(what, (seen.get(what) ?? 0) + 1);

describe("pool scripts against a model", () => {
  const stores = withStores();
  let raw: RawRedis;
  let token: string;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
    token = await tokenOf(raw);
  });

  after(async () => {
    raw.destroy();
  });

  it("every reply and the whole state agree after every step of random histories", async () => {
    const histories = (numRuns: number) =>
      fc.assert(
        fc.asyncProperty(
          fc.option(loadArb, { freq: 4 }),
          fc.array(opArb, { minLength: 30, maxLength: 60, size: "max" }),
          async (load, ops) => {
            await new History(stores.pool, raw, token).run(load === null ? ops : [load, ...ops]);
          },
        ),
        { numRuns, endOnFailure: false, includeErrorInReport: true },
      );
    await histories(60);
    // Random histories rarely contain this case: an addition to a pool that has run dry, and a claim before
    // its quiet time is over.
    await new History(stores.pool, raw, token).run(DRY_AND_ADDED_TO);
    const wanted = [
      ...[
        "claimed",
        "pending",
        "replay",
        "sold",
        "early",
        "not-open",
        "withheld",
        "none",
        "fenced",
        "frozen",
      ].map((k) => `claim ${k}`),
      ...["opened", "ended", "staged"].map((k) => `advance ${k}`),
      ...["settled", "stale", "none", "fenced"].map((k) => `settle ${k}`),
      ...["adopted", "bound", "none", "fenced"].map((k) => `adopt ${k}`),
      ...["released", "moved", "fenced"].map((k) => `release ${k}`),
      ...["begun", "healthy", "superseded"].map((k) => `load-begin ${k}`),
      ...["distrusted", "moved"].map((k) => `distrust ${k}`),
      ...["frozen", "superseded", "none", "fenced"].map((k) => `freeze ${k}`),
      ...["turned", "superseded", "none", "fenced"].map((k) => `turn ${k}`),
      ...["topped", "quiet", "moved", "frozen", "none", "fenced"].map((k) => `top-up ${k}`),
      ...["settle after a turn", "claim sold, quiet", "advance frozen"],
      ...["loaded", "healthy", "superseded", "miscounted"].map((k) => `load-commit ${k}`),
      ...[
        "load-codes over",
        "load-codes done",
        "load-claims over",
        "load-claims done",
        "ledger more",
        "twins",
      ],
    ];
    const missed = () => wanted.filter((what) => !seen.has(what));
    // Runs more histories until each case has occurred.
    for (let more = 0; more < MORE_HISTORIES_MAX && missed().length > 0; more++) await histories(1);
    const operations = [...seen.values()].reduce((sum, n) => sum + n, 0);
    expect(missed()).to.deep.equal([]);
    expect(operations).to.be.greaterThan(4_000);
  });
});

/** One campaign's life, in Redis and in the model at the same time. */
class History {
  readonly #campaignId = newCampaignId(Date.now());
  readonly #pool: Pool;
  readonly #raw: RawRedis;
  readonly #model: model.Model;
  /** Every claim that was ever answered, and every issuance that was ever loaded. */
  readonly #known: Claim[] = [];
  #generation = 1;
  #waitedFor = "";
  #codes = 0;
  /** Whether codes and claims must add up: from a load until foreign issuances are inserted. */
  #addsUp = false;
  /** Codes that are bound to a claim key in this generation: popped and not put back. */
  #popped = new Set<string>();
  #lastSeq = 0;

  constructor(pool: Pool, raw: RawRedis, token: string) {
    this.#pool = pool;
    this.#raw = raw;
    this.#model = model.newModel(token);
  }

  async run(ops: readonly Op[]): Promise<void> {
    for (const op of ops) {
      await this.#do(op);
      const contents = await contentsOf(this.#raw, this.#campaignId);
      expect(contents, op.op).to.deep.equal(model.contentsOfModel(this.#model));
      this.#checkInvariants();
    }
    await this.#raw.unlink(Object.values(campaignKeys(this.#campaignId)));
  }

  #checkInvariants(): void {
    const { meta, staged, open, away, claims } = this.#model;
    expect([staged, open, away].filter(({ length }) => length > 0).length, "lists with codes").to.be.at.most(
      this.#addsUp ? 1 : 3,
    );
    if (meta === undefined || !this.#addsUp) return;
    expect(staged.length + open.length + away.length + claims.size).to.equal(meta.total);
    expect(meta.seq).to.be.at.least(this.#lastSeq);
    expect(this.#popped.size).to.be.at.most(meta.total);
  }

  #freshCodes(count: number): string[] {
    return Array.from({ length: count }, () => `가${++this.#codes}`);
  }

  #claimsOf(bindings: Bindings): Claim[] {
    return bindings.map(({ key, code, seq }) => ({
      campaignId: this.#campaignId,
      claimKey: key,
      userId: "",
      code,
      generation: 0,
      seq,
      issuedAtMs: 1_000 + seq,
    }));
  }

  #callerMs({ from, callerOffsetMs }: { from: Instant; callerOffsetMs: number }): number {
    const { startsAt = Date.now(), endsAt = 0 } = this.#model.meta ?? {};
    const at = from === "start" ? startsAt : from === "end" && endsAt > 0 ? endsAt : Date.now();
    return at + callerOffsetMs;
  }

  /** Runs a call whose outcome depends on Redis's clock only relative to instants that are hours away. */
  async #timed<T>(call: Promise<T>): Promise<{ reply: T; redisMs: number; check: (ms: number) => void }> {
    const beforeMs = Date.now();
    const reply = await call;
    const afterMs = Date.now();
    return {
      reply,
      redisMs: beforeMs,
      check: (ms) => expect(ms).to.be.within(beforeMs - CLOCK_SLACK_MS, afterMs + CLOCK_SLACK_MS),
    };
  }

  /**
   * The model cannot compute the instant that Redis read: takes it from Redis, which wrote it.
   */
  async #armedAtNow(): Promise<number> {
    return Number((await this.#raw.hGet(campaignKeys(this.#campaignId).meta, "armedAt")) ?? 0);
  }

  async #do(op: Op): Promise<void> {
    const pool = this.#pool;
    const m = this.#model;
    const campaignId = this.#campaignId;
    const generationOf = (offset: number) => Math.max(0, this.#generation + offset);
    const leastOf = (offset: number) => Math.max(0, (m.meta?.generation ?? 0) + offset);
    switch (op.op) {
      case "claim":
        return this.#claim(op.asks, this.#callerMs(op), op.mode, leastOf(op.least));
      case "advance": {
        const callerMs = this.#callerMs(op);
        const { reply, redisMs, check } = await this.#timed(
          pool.advance(campaignId, callerMs, leastOf(op.least)),
        );
        const armedAtMs = reply.kind === "ok" ? reply.armedAtMs : 0;
        const expected = model.advance(m, callerMs, { nowMs: redisMs, armedAtMs }, leastOf(op.least));
        expect(reply.kind).to.equal(expected.status);
        if (reply.kind !== "ok" || expected.status !== "ok" || m.meta === undefined)
          return saw(`advance ${reply.kind}`);
        saw(`advance ${reply.changed === "" ? reply.state : reply.changed}`);
        check(reply.redisNowMs);
        if (reply.changed === "opened") check(reply.armedAtMs);
        expect(reply).to.include({
          generation: m.meta.generation,
          state: m.meta.state,
          changed: expected.changed,
          armedAtMs: m.meta.armedAt,
        });
        expect(reply.waitMs).to.be.closeTo(
          expected.waitMs,
          callerMs < redisMs - 500 ? 0 : CLOCK_SLACK_MS * 2,
        );
        return;
      }
      case "settle": {
        const generation = generationOf(op.generationOffset);
        const reply = await pool.settle(campaignId, generation, op.seqs);
        expect(reply).to.equal(model.settle(m, generation, op.seqs));
        if (reply === "settled" && generation !== m.meta?.generation) saw("settle after a turn");
        return saw(`settle ${reply}`);
      }
      case "settle-all": {
        if (m.meta === undefined) return;
        // A pool that a change has turned has claims of several generations.
        for (const generation of new Set(m.ledger.map(({ id }) => Number(id.split("-")[0])))) {
          const ids = m.ledger.map(({ id }) => id.split("-").map(Number));
          const seqs = ids.filter(([of]) => of === generation).map(([, seq = 0]) => seq);
          const reply = await pool.settle(campaignId, generation, seqs);
          expect(reply).to.equal(model.settle(m, generation, seqs));
          if (reply === "settled" && generation !== m.meta.generation) saw("settle after a turn");
          saw(`settle ${reply}`);
        }
        return;
      }
      case "adopt": {
        const known = this.#known[op.pick % Math.max(1, this.#known.length)];
        const late: Claim = {
          ...(known ?? this.#claimsOf([{ key: op.key, code: "가1", seq: 1 }])[0]),
          ...(op.code === "" ? {} : { code: op.code, claimKey: op.key, generation: 0 }),
        } as Claim;
        this.#addsUp = false;
        const reply = await pool.adopt(late);
        expect(reply).to.equal(model.adopt(m, late.claimKey, boundOf(late)));
        return saw(`adopt ${reply}`);
      }
      case "release": {
        const known = this.#known[op.pick % Math.max(1, this.#known.length)];
        if (known === undefined) return;
        const lost = op.change ? { ...known, seq: known.seq + 1 } : known;
        const winner =
          op.winner === "same-key"
            ? { ...lost, code: "옛1", generation: 0, seq: 70 }
            : { ...lost, claimKey: op.other, generation: 0, seq: 80 };
        const reply = await pool.release(lost, op.free, winner);
        const expected = model.release(
          m,
          lost.claimKey,
          boundOf(lost),
          op.free,
          winner.claimKey,
          boundOf(winner),
        );
        expect(reply).to.equal(expected);
        if (reply === "released") {
          this.#addsUp = false;
          this.#popped.delete(lost.code);
        }
        return saw(`release ${reply}`);
      }
      case "ledger": {
        const after = m.ledger[op.afterPick]?.id ?? "-";
        const { reply, redisMs } = await this.#timed(
          pool.ledgerPage(campaignId, op.leastAgeMs, after, op.limit),
        );
        const { entries, next } = model.ledgerPage(
          m,
          op.leastAgeMs,
          after,
          op.limit,
          redisMs + CLOCK_SLACK_MS,
        );
        expect(reply.claims).to.deep.equal(entries.map((entry) => claimOfEntry(campaignId, entry)));
        expect(reply.next).to.equal(next);
        return saw(next === "" ? "ledger last" : "ledger more");
      }
      case "load":
        return this.#load(op);
      case "load-begin":
        return this.#loadBegin(generationOf(op.generationOffset));
      case "load-codes": {
        const codes = this.#freshCodes(op.codes);
        const offset = Math.max(0, m.loadingCodes.length + op.offsetError);
        const generation = generationOf(op.generationOffset);
        const reply = await pool.loadCodes(campaignId, generation, offset, codes);
        expect(reply).to.equal(model.loadCodes(m, generation, offset, codes));
        return saw(reply === -1 ? "load-codes over" : "load-codes done");
      }
      case "load-claims":
        return this.#loadClaims(generationOf(op.generationOffset), this.#claimsOf(op.claims));
      case "load-commit": {
        const total = Math.max(0, m.loadingCodes.length + m.loadingClaims.size + op.totalError);
        return this.#loadCommit({
          state: op.state,
          startsAt: Date.now() - HOUR_MS,
          endsAt: 0,
          generation: generationOf(op.generationOffset),
          total,
          armedAt: 0,
          shape: 1 + (total % 2),
        });
      }
      case "inspect": {
        const { reply, check } = await this.#timed(pool.inspect(campaignId));
        const { redisNowMs, ...rest } = reply;
        check(redisNowMs);
        expect(rest).to.deep.equal({
          status: model.statusOf(m),
          generation: m.meta?.generation ?? 0,
          state: m.meta?.state ?? "",
          stagedCodes: m.staged.length,
          openCodes: m.open.length,
          awayCodes: m.away.length,
          total: m.meta?.total ?? 0,
          claims: m.claims.size,
          ledger: m.ledger.length,
          armedAtMs: m.meta?.armedAt ?? 0,
          startsAtMs: m.meta?.startsAt ?? 0,
          endsAtMs: m.meta?.endsAt ?? 0,
        });
        const { sinceLoadMs, ...frontier } = await pool.frontier(campaignId);
        expect(frontier).to.deep.equal(model.frontier(m));
        expect(sinceLoadMs === undefined).to.equal(m.meta === undefined);
        return saw("inspect");
      }
      case "freeze": {
        const callerMs = this.#callerMs(op);
        const generation = this.#generation + 1 + op.generationOffset;
        const least = leastOf(op.least);
        const wasStaged = m.meta?.state === "staged";
        const { reply, redisMs, check } = await this.#timed(
          pool.freeze(campaignId, callerMs, generation, least),
        );
        const armedAtMs = await this.#armedAtNow();
        const expected = model.freeze(m, callerMs, { nowMs: redisMs, armedAtMs }, generation, least);
        expect(reply.kind).to.equal(expected);
        this.#generation = Math.max(this.#generation, generation);
        saw(`freeze ${reply.kind}`);
        if (wasStaged && m.meta?.state !== "staged") check(armedAtMs);
        if (reply.kind !== "frozen") return;
        check(reply.redisNowMs);
        const { generation: of, state, armedAt } = m.meta ?? { generation: 0, state: "", armedAt: 0 };
        expect(reply).to.include({ generation: of, state, armedAtMs: armedAt });
        return;
      }
      case "change": {
        // The same steps as the service.
        await this.#do({ op: "freeze", callerOffsetMs: 0, from: "now", generationOffset: 0, least: 0 });
        return this.#do({ ...op, op: "turn", generationOffset: 0 });
      }
      case "turn": {
        const generation = Math.max(0, (m.meta?.held ?? this.#generation) + op.generationOffset);
        const nowMs = Date.now();
        const { state } = op;
        const startsAt = nowMs + op.start;
        const endsAt = op.end === 0 ? 0 : startsAt + op.end;
        const target = { campaignId, generation, state, startsAtMs: startsAt, endsAtMs: endsAt };
        const reply = await pool.turn(target);
        expect(reply).to.equal(model.turn(m, { generation, state, startsAt, endsAt }));
        this.#generation = Math.max(this.#generation, generation);
        return saw(`turn ${reply}`);
      }
      case "top-up": {
        // Rarely happens by itself: claims take all codes that are left just before.
        const left = m.open.map((code) => ({ claimKey: `the last ${code}`, userId: "" }));
        const all = { callerOffsetMs: 0, from: "now", mode: "issue", least: 0, asks: left } as const;
        if (op.dry && left.length > 0) await this.#do({ op: "claim", ...all });
        const generation = (m.meta?.generation ?? 0) + op.generationOffset;
        const offset = Math.max(0, (m.meta?.total ?? 0) + op.offsetError);
        const codes = this.#freshCodes(op.codes);
        // The quiet that was last reported; meanwhile there may be another.
        const waitedFor = op.waited ? this.#waitedFor : "";
        const reply = await pool.topUp(campaignId, generation, offset, codes, waitedFor);
        expect(reply).to.deep.equal(model.topUp(m, generation, offset, codes, waitedFor));
        if (reply.kind === "quiet") this.#waitedFor = reply.quiet;
        return saw(`top-up ${reply.kind}`);
      }
      case "distrust": {
        const generation = (m.meta?.generation ?? 0) + op.generationOffset;
        const reply = await pool.distrust(campaignId, generation);
        expect(reply).to.equal(model.distrust(m, generation));
        return saw(`distrust ${reply}`);
      }
      case "lose-token": {
        const holder = op.of === "meta" ? m.meta : m.loading;
        if (holder === undefined) return;
        await this.#raw.hSet(campaignKeys(campaignId)[op.of], "token", "elsewhere");
        holder.token = "elsewhere";
        return saw(`lose-token ${op.of}`);
      }
    }
  }

  async #claim(
    asks: { claimKey: string; userId: string }[],
    callerMs: number,
    mode: "issue" | "recall",
    least: number,
  ): Promise<void> {
    const m = this.#model;
    const wasStaged = m.meta?.state === "staged";
    const { reply, redisMs, check } = await this.#timed(
      this.#pool.claim(this.#campaignId, callerMs, asks, mode, least),
    );
    const armedAtMs = await this.#armedAtNow();
    const newest = reply.find(({ kind }) => kind === "claimed");
    const claimedAtMs = newest !== undefined && "claim" in newest ? newest.claim.issuedAtMs : 0;
    const expected = model.claim(m, asks, callerMs, { nowMs: redisMs, armedAtMs, claimedAtMs }, mode, least);
    if (wasStaged && m.meta?.state !== "staged") check(armedAtMs);
    if (newest !== undefined && m.meta !== undefined && m.meta.armedAt > redisMs + HOUR_MS / 2)
      expect(claimedAtMs).to.equal(m.meta.armedAt);
    else if (newest !== undefined) check(claimedAtMs);
    const told = new Set<string>();
    reply.forEach((answer, i) => {
      const ask = asks[i];
      const wanted = expected[i];
      if (ask === undefined || wanted === undefined) throw new Error("more answers than asks");
      saw(`claim ${answer.kind}`);
      if (answer.kind === "sold" && answer.total === 0) saw("claim sold, quiet");
      if (told.has(ask.claimKey) && answer.kind === "pending") saw("twins");
      told.add(ask.claimKey);
      expect(outline(answer)).to.deep.equal({ ...wanted });
      if (answer.kind === "early") expect(answer.startsAtMs).to.equal(m.meta?.startsAt);
      if (answer.kind === "early" && m.meta !== undefined)
        expect(answer.waitMs).to.be.closeTo(
          m.meta.startsAt - Math.min(callerMs, Date.now()),
          CLOCK_SLACK_MS * 2,
        );
      if (answer.kind === "not-open") expect(answer.state).to.equal(m.meta?.state);
      if (answer.kind === "claimed") this.#given(answer.claim, ask);
    });
  }

  #given(claim: Claim, ask: { claimKey: string; userId: string }): void {
    const m = this.#model;
    expect(claim).to.include({ ...ask, campaignId: this.#campaignId, generation: m.meta?.generation });
    expect(claim.seq).to.be.greaterThan(this.#lastSeq);
    this.#lastSeq = claim.seq;
    if (this.#addsUp) expect([...this.#popped]).not.to.include(claim.code);
    this.#popped.add(claim.code);
    this.#known.push(claim);
  }

  /** A whole load, with the generator's steps; fails where the state does not allow one. */
  async #load(op: Extract<Op, { op: "load" }>): Promise<void> {
    const { state, start, end, arm } = op;
    const claims = this.#claimsOf(op.claims);
    this.#generation++;
    const generation = this.#generation;
    // The fence must be broken first; otherwise a healthy pool would stay for the rest of the history.
    if (this.#model.meta !== undefined) await this.#do({ op: "lose-token", of: "meta" });
    await this.#loadBegin(generation);
    if (op.codes > 0) {
      const codes = this.#freshCodes(op.codes);
      const reply = await this.#pool.loadCodes(this.#campaignId, generation, 0, codes);
      expect(reply).to.equal(model.loadCodes(this.#model, generation, 0, codes));
    }
    if (claims.length > 0) await this.#loadClaims(generation, claims);
    const nowMs = Date.now();
    await this.#loadCommit({
      state,
      shape: 1 + (op.codes % 2),
      startsAt: nowMs + start,
      endsAt: end === 0 ? 0 : nowMs + start + end,
      generation,
      total: Math.max(0, op.codes + claims.length + op.totalError),
      armedAt: state === "staged" ? 0 : nowMs + arm,
    });
  }

  async #loadBegin(generation: number): Promise<void> {
    const reply = await this.#pool.loadBegin(this.#campaignId, generation);
    expect(reply).to.equal(model.loadBegin(this.#model, generation));
    saw(`load-begin ${reply}`);
  }

  async #loadClaims(generation: number, claims: readonly Claim[]): Promise<void> {
    const reply = await this.#pool.loadClaims(this.#campaignId, generation, claims);
    const bindings = claims.map((claim): [string, model.Bound] => [claim.claimKey, boundOf(claim)]);
    expect(reply).to.equal(model.loadClaims(this.#model, generation, bindings));
    saw(reply === -1 ? "load-claims over" : "load-claims done");
  }

  async #loadCommit(target: Omit<model.Meta, "token" | "seq" | "base">): Promise<void> {
    const { state, startsAt, endsAt, generation, total, armedAt, shape } = target;
    const reply = await this.#pool.loadCommit({
      campaignId: this.#campaignId,
      generation,
      state: state as LoadState,
      startsAtMs: startsAt,
      endsAtMs: endsAt,
      total,
      armedAtMs: armedAt,
      shape,
    });
    expect(reply).to.equal(model.loadCommit(this.#model, target));
    saw(`load-commit ${reply}`);
    if (reply !== "loaded") return;
    this.#addsUp = true;
    this.#popped = new Set();
    this.#lastSeq = 0;
  }
}

function boundOf(claim: Claim): model.Bound {
  return { code: claim.code, id: `${claim.generation}-${claim.seq}`, ms: claim.issuedAtMs };
}

function claimOfEntry(campaignId: string, { id, key, code, ms, user }: model.Entry): Claim {
  const [generation, seq] = id.split("-").map(Number);
  return {
    campaignId,
    claimKey: key,
    userId: user,
    code,
    generation: generation ?? 0,
    seq: seq ?? 0,
    issuedAtMs: ms,
  };
}

/** An answer in the terms of the model. */
function outline(answer: ClaimAnswer): { kind: string; bound?: model.Bound; total?: number } {
  if ("claim" in answer) return { kind: answer.kind, bound: boundOf(answer.claim) };
  return answer.kind === "sold" ? { ...answer } : { kind: answer.kind };
}
