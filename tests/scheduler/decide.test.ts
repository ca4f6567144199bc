import { expect } from "chai";
import fc from "fast-check";
import type { Inspection, PoolState } from "../../pool/answers.ts";
import type { CampaignDoc, RecordedState } from "../../record/documents.ts";
import { type Action, decide, LOOK_AHEAD_MS } from "../../scheduler/decide.ts";

const START_MS = 1_800_000_000_000;
const END_MS = START_MS + 3_600_000;

function campaignWith(given: Partial<CampaignDoc> = {}): CampaignDoc {
  return {
    _id: "0".repeat(26),
    name: "a campaign",
    total: 10,
    startsAt: new Date(START_MS),
    onePerUser: true,
    codeFormat: "가가가가가가0000",
    state: "SCHEDULED",
    generation: 1,
    generated: 10,
    createdAt: new Date(0),
    ...given,
  };
}

function poolWith(given: Partial<Inspection> = {}): Inspection {
  const state = given.state ?? "staged";
  return {
    status: "ok",
    generation: 1,
    state,
    stagedCodes: state === "staged" ? 10 : 0,
    openCodes: state === "open" || state === "ended" ? 10 : 0,
    awayCodes: state === "paused" || state === "cancelled" ? 10 : 0,
    total: 10,
    claims: 0,
    ledger: 0,
    armedAtMs: state === "staged" ? 0 : START_MS + 3,
    startsAtMs: START_MS,
    endsAtMs: 0,
    redisNowMs: START_MS,
    ...given,
  };
}

const endsAt = new Date(END_MS);

/** The instants in the pool of this campaign. */
const instantsOf = ({ startsAt, endsAt: end }: CampaignDoc) => ({
  startsAtMs: startsAt.getTime(),
  endsAtMs: end?.getTime() ?? 0,
});
const aim = (at: "start" | "end", atMs: number): Action => ({ kind: "aim", at, atMs });
const recordOpen: Action = { kind: "record-open", openedAtMs: START_MS + 3 };
const SOLD = { state: "open" as const, openCodes: 0, claims: 10 };

describe("what a scheduler decides", () => {
  const table: [what: string, nowMs: number, Partial<CampaignDoc>, Partial<Inspection>, Action[]][] = [
    ["sold out on record already: not counted again", START_MS + 9, { state: "SOLD_OUT" }, SOLD, []],
    [
      "codes have vanished: give it up",
      START_MS - 1,
      {},
      { stagedCodes: 7 },
      [{ kind: "give-up", generation: 1, why: { missing: 3 } }],
    ],
    [
      "codes have vanished, open",
      START_MS,
      {},
      { state: "open", openCodes: 8, claims: 1 },
      [{ kind: "give-up", generation: 1, why: { missing: 1 } }],
    ],
    [
      "an old pool has come back: give it up",
      START_MS,
      { loadedGeneration: 2 },
      { state: "open" },
      [{ kind: "give-up", generation: 1, why: { loadedGeneration: 2 } }],
    ],
    [
      "a pool newer than the record is none of that",
      START_MS - LOOK_AHEAD_MS - 1,
      { loadedGeneration: 2 },
      { generation: 3 },
      [],
    ],
    ["far from the start: nothing", START_MS - LOOK_AHEAD_MS - 1, {}, {}, []],
    ["within sight of the start: aim", START_MS - LOOK_AHEAD_MS, {}, {}, [aim("start", START_MS)]],
    ["a millisecond before: aim, not advance", START_MS - 1, {}, {}, [aim("start", START_MS)]],
    ["at the start: advance", START_MS, {}, {}, [{ kind: "advance" }]],
    ["long after, as after downtime: advance", START_MS + 1e9, {}, {}, [{ kind: "advance" }]],
    ["an end does not matter before the opening", END_MS, { endsAt }, {}, [{ kind: "advance" }]],
    ["opened by a claim: write it down", START_MS + 9, {}, { state: "open" }, [recordOpen]],
    ["open and recorded: nothing", START_MS + 9, { state: "OPEN" }, { state: "open" }, []],
    [
      "open with an end in sight: aim at it",
      END_MS - 1_000,
      { state: "OPEN", endsAt },
      { state: "open" },
      [aim("end", END_MS)],
    ],
    ["at the end: advance", END_MS, { state: "OPEN", endsAt }, { state: "open" }, [{ kind: "advance" }]],
    [
      "empty and at rest: sold out",
      START_MS,
      { state: "OPEN" },
      SOLD,
      [{ kind: "record-sold-out", generation: 1 }],
    ],
    ["empty, but claims are under way: not yet", START_MS, { state: "OPEN" }, { ...SOLD, ledger: 1 }, []],
    [
      "sold out before anybody looked: open, then sold out",
      START_MS,
      {},
      SOLD,
      [recordOpen, { kind: "record-sold-out", generation: 1 }],
    ],
    ["ended and at rest", END_MS, { state: "OPEN", endsAt }, { state: "ended" }, [{ kind: "record-ended" }]],
    ["ended, but claims are under way", END_MS, { state: "OPEN" }, { state: "ended", ledger: 2 }, []],
    [
      "opened and ended while nobody looked",
      END_MS,
      { endsAt },
      { state: "ended" },
      [recordOpen, { kind: "record-ended" }],
    ],
    ["paused: nothing", START_MS, { state: "PAUSED" }, { state: "paused" }, []],
    [
      "paused before its start: nothing, not even at its end",
      END_MS,
      { state: "PAUSED", endsAt },
      { state: "paused", armedAtMs: 0 },
      [],
    ],
    [
      "paused after its opening: it ends all the same",
      END_MS,
      { state: "PAUSED", endsAt },
      { state: "paused" },
      [{ kind: "advance" }],
    ],
    [
      "paused, its end in sight",
      END_MS - 1_000,
      { state: "PAUSED", endsAt },
      { state: "paused" },
      [aim("end", END_MS)],
    ],
    ["ended while paused", END_MS, { state: "PAUSED" }, { state: "ended" }, [{ kind: "record-ended" }]],
    [
      "a change holds it, or died",
      START_MS,
      { state: "PAUSED" },
      { status: "frozen" },
      [{ kind: "repair", why: "frozen" }],
    ],
    [
      "the pool would open at another instant: it is not what the record says",
      START_MS - 1,
      {},
      { startsAtMs: START_MS - 60_000 },
      [{ kind: "contradiction", generation: 1 }],
    ],
    [
      "the pool would end at another instant",
      START_MS + 9,
      { state: "OPEN" },
      { state: "open", endsAtMs: END_MS },
      [{ kind: "contradiction", generation: 1 }],
    ],
    [
      "once open, the start is the past",
      START_MS + 9,
      { state: "OPEN" },
      { state: "open", startsAtMs: START_MS - 60_000 },
      [],
    ],
    [
      "a pool that was changed since the campaign was read has other instants",
      START_MS - LOOK_AHEAD_MS - 1,
      {},
      { generation: 2, startsAtMs: START_MS + 60_000 },
      [],
    ],
    [
      "paused, and the pool is not: it does what the record forbids",
      START_MS,
      { state: "PAUSED" },
      { state: "open" },
      [{ kind: "contradiction", generation: 1 }],
    ],
    [
      "resumed, and the pool is still paused",
      START_MS,
      { state: "OPEN" },
      { state: "paused" },
      [{ kind: "contradiction", generation: 1 }],
    ],
    [
      "cancelled, and the pool is not",
      START_MS,
      { state: "CANCELLED", settling: true },
      {},
      [{ kind: "contradiction", generation: 1 }],
    ],
    [
      "paused when it was read, resumed since: a reading that is out of date",
      START_MS,
      { state: "PAUSED" },
      { state: "open", generation: 2 },
      [],
    ],
    [
      "cancelled, claims under way",
      START_MS,
      { state: "CANCELLED", settling: true },
      { state: "cancelled", ledger: 1 },
      [],
    ],
    [
      "cancelled and at rest: settled",
      START_MS,
      { state: "CANCELLED", settling: true },
      { state: "cancelled" },
      [{ kind: "record-at-rest" }],
    ],
    [
      "ended by an operator and at rest: settled",
      START_MS,
      { state: "ENDED", settling: true },
      { state: "ended" },
      [{ kind: "record-at-rest" }],
    ],
    ["coupons were added", START_MS, { state: "OPEN", total: 15 }, SOLD, [{ kind: "top-up", missing: 5 }]],
    [
      "coupons were added before the start",
      START_MS - 1,
      { total: 15 },
      {},
      [{ kind: "top-up", missing: 5 }, aim("start", START_MS)],
    ],
    [
      "coupons were added, then it was cancelled: first those, then settled",
      START_MS,
      { state: "CANCELLED", settling: true, total: 15 },
      { state: "cancelled" },
      [{ kind: "top-up", missing: 5 }],
    ],
    [
      "the pool was given more since the campaign was read: not sold out",
      START_MS,
      { state: "OPEN" },
      { state: "open", openCodes: 0, claims: 15, total: 15 },
      [],
    ],
    ["no pool", START_MS, {}, { status: "none", state: "" }, [{ kind: "repair", why: "none" }]],
    ["a pool of another Redis", START_MS, {}, { status: "fenced" }, [{ kind: "repair", why: "fenced" }]],
    [
      "a pool of another Redis is repaired before its start too",
      START_MS - 1e8,
      {},
      { status: "fenced" },
      [{ kind: "repair", why: "fenced" }],
    ],
  ];
  for (const [what, nowMs, campaign, pool, actions] of table) {
    it(what, () => {
      const recorded = campaignWith(campaign);
      expect(decide(nowMs, recorded, poolWith({ ...instantsOf(recorded), ...pool }))).to.deep.equal(actions);
    });
  }

  const nowArb = fc.oneof(
    fc.integer({ min: START_MS - 200_000, max: END_MS + 200_000 }),
    fc.constantFrom(0, START_MS - 1, START_MS, START_MS + 1, END_MS - 1, END_MS, END_MS + 1, 2 ** 52),
  );
  const campaignArb = fc
    .record({
      state: fc.constantFrom<RecordedState>("SCHEDULED", "OPEN", "PAUSED"),
      ends: fc.boolean(),
    })
    .map(({ state, ends }) => campaignWith({ state, ...(ends ? { endsAt } : {}) }));
  const poolArb = fc
    .record({
      status: fc.constantFrom<Inspection["status"]>("ok", "ok", "ok", "none", "fenced"),
      state: fc.constantFrom<PoolState>("staged", "open", "open", "ended", "paused", "cancelled"),
      left: fc.nat(2),
      ledger: fc.nat(2),
      armedAtMs: fc.constantFrom(0, START_MS + 3),
    })
    .map(({ left, ...given }) => {
      const none = { stagedCodes: 0, openCodes: 0, awayCodes: 0 };
      const list = { staged: "stagedCodes", open: "openCodes", ended: "openCodes" } as Record<string, string>;
      return poolWith({ ...given, ...none, [list[given.state] ?? "awayCodes"]: left, claims: 10 - left });
    });

  it("never asks to advance before the instant, aims only ahead, records only what is at rest (property)", () => {
    fc.assert(
      fc.property(nowArb, campaignArb, poolArb, (nowMs, campaign, given) => {
        const pool = { ...given, ...instantsOf(campaign) };
        const actions = decide(nowMs, Object.freeze(campaign), Object.freeze(pool));
        const kinds = actions.map(({ kind }) => kind);
        expect(new Set(kinds).size).to.equal(kinds.length);
        if (pool.status !== "ok") expect(kinds).to.deep.equal(["repair"]);
        for (const action of actions) {
          switch (action.kind) {
            case "advance":
              expect(pool.state).to.be.oneOf(["staged", "open", "paused"]);
              expect(nowMs).to.be.at.least(pool.state === "staged" ? START_MS : END_MS);
              if (pool.state !== "staged") expect(campaign.endsAt).not.to.equal(undefined);
              break;
            case "aim":
              expect(action.atMs - nowMs).to.be.within(1, LOOK_AHEAD_MS);
              expect(action.atMs).to.equal(action.at === "start" ? START_MS : END_MS);
              expect(pool.state).to.be.oneOf(action.at === "start" ? ["staged"] : ["open", "paused"]);
              break;
            case "repair":
              expect(pool.status).not.to.equal("ok");
              break;
            case "record-open":
              expect([campaign.state, pool.armedAtMs]).to.deep.equal(["SCHEDULED", action.openedAtMs]);
              expect(action.openedAtMs).to.be.at.least(START_MS);
              break;
            case "record-sold-out":
              expect([pool.state, pool.openCodes, pool.ledger]).to.deep.equal(["open", 0, 0]);
              break;
            case "contradiction":
              // Only where one side has an operator's decision that the other has not.
              expect([campaign.state === "PAUSED", pool.state]).not.to.deep.equal([true, "paused"]);
              expect(campaign.state === "PAUSED" || ["paused", "cancelled"].includes(pool.state)).to.equal(
                true,
              );
              break;
            case "record-ended":
              expect([pool.state, pool.ledger]).to.deep.equal(["ended", 0]);
              break;
          }
        }
        expect(decide(nowMs, campaign, pool)).to.deep.equal(actions);
      }),
      { numRuns: 5_000 },
    );
  });

  it("whatever the clocks do, nothing opens early, states go forward, and it gets there (property)", () => {
    const RANK: Record<string, number> = { staged: 0, open: 1, ended: 2 };
    const RECORD_RANK: Record<string, number> = { SCHEDULED: 0, OPEN: 1, SOLD_OUT: 2, ENDED: 2 };
    const jump = fc.constantFrom(-7_200_000, -1_000, -1, 0, 1, 500, 1_000, 60_000, 1_800_000, 3_600_000);
    const round = fc.record({ callerJump: jump, redisJump: jump, taken: fc.nat(3), settled: fc.boolean() });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 60 }), fc.boolean(), (rounds, ends) => {
        let callerMs = START_MS - 100_000;
        let redisMs = START_MS - 100_000;
        let campaign = campaignWith(ends ? { endsAt } : {});
        let pool = poolWith(instantsOf(campaign));

        /** The stores' own checks, in two lines each: the scripts and the conditional update. */
        const act = (action: Action) => {
          const both = Math.min(callerMs, redisMs);
          if (action.kind === "advance") {
            if (pool.state === "staged" && both >= START_MS)
              pool = { ...pool, state: "open", stagedCodes: 0, openCodes: 10, armedAtMs: redisMs };
            if (pool.state === "open" && ends && both >= END_MS) pool = { ...pool, state: "ended" };
          }
          const to = {
            "record-open": "OPEN",
            "record-sold-out": "SOLD_OUT",
            "record-ended": "ENDED",
          } as const;
          if (action.kind === "record-open" && campaign.state === "SCHEDULED")
            campaign = { ...campaign, state: to[action.kind], openedAt: new Date(action.openedAtMs) };
          if (action.kind === "record-sold-out" || action.kind === "record-ended")
            campaign = { ...campaign, state: to[action.kind] };
        };
        const live = () => campaign.state === "SCHEDULED" || campaign.state === "OPEN";
        const look = () => {
          const before = { pool: RANK[pool.state] ?? -1, record: RECORD_RANK[campaign.state] ?? -1 };
          if (live()) for (const action of decide(callerMs, campaign, pool)) act(action);
          expect(RANK[pool.state]).to.be.at.least(before.pool);
          expect(RECORD_RANK[campaign.state]).to.be.at.least(before.record);
          if (campaign.openedAt !== undefined) expect(campaign.openedAt.getTime()).to.be.at.least(START_MS);
        };

        for (const { callerJump, redisJump, taken, settled } of rounds) {
          callerMs += callerJump;
          redisMs += redisJump;
          if (pool.state === "open") {
            const count = Math.min(taken, pool.openCodes);
            const [openCodes, claims] = [pool.openCodes - count, pool.claims + count];
            pool = { ...pool, openCodes, claims, ledger: pool.ledger + count };
          }
          if (settled) pool = { ...pool, ledger: 0 };
          look();
        }
        callerMs = END_MS + 1;
        redisMs = END_MS + 1;
        pool = { ...pool, ledger: 0 };
        for (let i = 0; i < 3; i++) look();
        expect(campaign.state).to.be.oneOf(ends ? ["ENDED", "SOLD_OUT"] : ["OPEN", "SOLD_OUT"]);
      }),
      { numRuns: 500 },
    );
  });
});
