import { expect } from "chai";
import { runChecks, runOutsideChecks } from "../../audit/checks.ts";
import { examine } from "../../audit/examination.ts";
import type { PoolMeta } from "../../audit/snapshot.ts";
import { INVARIANTS } from "../../audit/verdict.ts";
import { verdictTable, violated } from "../../audit/verdict-table.ts";
import { addEntry, type Damage, refused } from "../support/damage.ts";
import { damages } from "../support/damages.ts";
import { damagesOfLog } from "../support/damages-of-log.ts";
import {
  ADDED_AT_MS,
  type Books,
  emptyBooks,
  grownBooks,
  healthyBooks,
  STARTS_AT_MS,
  snapshotOf,
} from "../support/written-books.ts";
import { writeLog } from "../support/written-log.ts";

const TOTAL = 10;
const booksOf = (which: Damage["to"]) =>
  which === "grown"
    ? grownBooks(TOTAL)
    : healthyBooks({ total: TOTAL, issued: which === "sold-out" ? TOTAL : TOTAL / 2 });

describe("audit checks", () => {
  describe("healthy books pass", () => {
    for (const which of ["sold-out", "half", "grown"] as const) {
      it(which, () => {
        const books = booksOf(which);
        const verdicts = runChecks(snapshotOf(books), books.history);
        expect(violated(verdicts)).to.deep.equal([]);
        const looked = new Set(verdicts.map((verdict) => verdict.invariant));
        expect([...looked]).to.deep.equal(Object.keys(INVARIANTS));
      });
    }

    for (const [which, isLate] of [
      ["half", false],
      ["half", true],
      ["sold-out", false],
    ] as const) {
      it(`${which}, with an event log${isLate ? " that has a late coupon" : ""}`, () => {
        const books = booksOf(which);
        writeLog(books, isLate);
        const verdicts = runChecks(snapshotOf(books), books.history);
        expect(violated(verdicts), verdictTable(verdicts).join("\n")).to.deep.equal([]);
        const u14 = verdicts.find(({ invariant }) => invariant === "U14");
        expect(u14?.checked).to.equal(books.issuances.length);
        expect(u14?.detail).to.match(isLate ? /, 1 late$/ : /, 0 late$/);
      });
    }

    it("an event log that its readers have left behind", () => {
      const books = booksOf("half");
      const log = writeLog(books);
      log.entries.splice(2);
      log.parts.splice(1);
      delete log.complete;
      const verdicts = runChecks(snapshotOf(books), books.history);
      expect(violated(verdicts), verdictTable(verdicts).join("\n")).to.deep.equal([]);
      expect(verdicts.find(({ invariant }) => invariant === "U14")?.detail).to.match(
        /^3 coupons of 5 in 2 ent/,
      );
    });

    it("no event log: nothing to compare, and it says so", () => {
      const books = booksOf("half");
      const u14 = runChecks(snapshotOf(books), []).find(({ invariant }) => invariant === "U14");
      expect(u14).to.deep.include({ ok: true, checked: 0 });
      expect(u14?.detail).to.match(/there is no event log/);
    });

    it("staged, nobody asked", () => {
      const books = emptyBooks(TOTAL);
      books.staged = [...books.codes];
      Object.assign(books.campaign, { state: "SCHEDULED", openedAtMs: undefined });
      Object.assign(books.meta ?? {}, { state: "staged", armedAtMs: 0 });
      expect(violated(runChecks(snapshotOf(books), []))).to.deep.equal([]);
    });

    it("records without an entry judge nothing that only callers know, and one entry does", () => {
      const books = booksOf("sold-out");
      const unjudged = (history: typeof books.history) =>
        [runChecks(snapshotOf(books), history), runOutsideChecks(snapshotOf(books), history)].map(
          (verdicts) =>
            verdicts.flatMap(({ invariant, notJudged }) =>
              notJudged === "the callers' records hold no entry" ? [invariant] : [],
            ),
        );
      const ofCallers = ["U2", "U6", "U7"];
      expect(unjudged([])).to.deep.equal([ofCallers, ofCallers]);
      expect(unjudged(books.history.slice(0, 1))).to.deep.equal([[], []]);
    });

    it("coupons were added for whom nobody came: who was told before that all were gone cannot complain", () => {
      const books = booksOf("sold-out");
      books.codes.push("가나다라마바8888");
      books.open.push("가나다라마바8888");
      books.campaign.growth = [{ from: TOTAL, atMs: ADDED_AT_MS }];
      Object.assign(books.campaign, { total: TOTAL + 1, state: "OPEN" });
      Object.assign(books.meta ?? {}, { total: TOTAL + 1 });
      const verdicts = runChecks(snapshotOf(books), books.history);
      expect(violated(verdicts), verdictTable(verdicts).join("\n")).to.deep.equal([]);
      expect(verdicts.find(({ invariant }) => invariant === "U6")?.checked).to.equal(TOTAL);
    });

    it("who was left without knowing, and then heard that the rules say no, cannot complain; who has a coupon still counts", () => {
      const books = booksOf("half");
      books.campaign.endsAtMs = STARTS_AT_MS + 1_500;
      Object.assign(books.meta ?? {}, { endsAtMs: STARTS_AT_MS + 1_500 });
      for (let i = 0; i < TOTAL; i++) {
        const claimKey = `unsure-${i}`;
        addEntry(books, { claimKey, outcome: { kind: "unknown", message: "timed out" } });
        addEntry(books, { claimKey, outcome: refused(i % 2 === 0 ? "PAUSED" : "ENDED") });
      }
      const verdicts = runChecks(snapshotOf(books), books.history);
      expect(violated(verdicts)).to.deep.equal([]);
      expect(verdicts.find(({ invariant }) => invariant === "U6")?.checked).to.equal(TOTAL / 2);
    });

    for (const state of ["PAUSED", "CANCELLED", "ENDED"] as const) {
      it(`${state}, and the pool too; an addition that was cut off left codes that count for nothing`, () => {
        const books = booksOf("half");
        Object.assign(books.campaign, { state, growingTo: TOTAL + 3 });
        Object.assign(books.meta ?? {}, { state: state.toLowerCase() });
        if (state !== "ENDED") books.away = books.open.splice(0);
        books.codes.push("가나다라마바8888");
        expect(violated(runChecks(snapshotOf(books), books.history))).to.deep.equal([]);
      });
    }

    it("cancelled before its codes were made: nothing is missing; once it had a pool, they are", () => {
      const books = emptyBooks(TOTAL);
      books.codes.splice(3);
      Object.assign(books.campaign, { state: "CANCELLED", openedAtMs: undefined });
      const pooled = {
        ...books,
        away: [...books.codes],
        meta: { ...(books.meta as PoolMeta), state: "cancelled" },
      };
      books.meta = undefined;
      const snapshot = { ...snapshotOf(books) };
      const observed = examine(snapshot.campaign, { scope: "all", rest: "observed" });
      for (const [ordinal, code] of snapshot.codes.entries()) observed.made(code, ordinal);
      const mark = { meta: undefined, lengths: snapshot.redis.lengths, seq: 0, fenced: false };
      observed.marks(mark, mark);
      const conclusion = observed.conclude();
      let step = conclusion.next();
      while (step.done !== true) step = conclusion.next();
      expect(violated(step.value)).to.deep.equal([]);
      expect(violated(runChecks(snapshotOf(pooled), []))).to.include("U3");
    });

    it("says how much each check looked at", () => {
      const books = booksOf("sold-out");
      // The first check of each invariant.
      const checked = Object.fromEntries(
        runChecks(snapshotOf(books), books.history)
          .toReversed()
          .map((verdict) => [verdict.invariant, verdict.checked]),
      );
      expect(checked).to.include({ U2: 10, U3: 10, U4: 20, U6: 13, U7: 3, U10: 9 });
    });
  });

  describe("each planted damage fails exactly its invariant", () => {
    for (const { fails, what, to, plant } of damages) {
      it(`${fails}: ${what}`, () => {
        const books = booksOf(to);
        plant(books);
        const verdicts = runChecks(snapshotOf(books), books.history);
        expect(violated(verdicts), verdictTable(verdicts).join("\n")).to.deep.equal([fails]);
      });
    }

    for (const { what, to, plant, says } of damagesOfLog) {
      it(`says what is wrong and what to do: ${what}`, () => {
        const books = booksOf(to);
        plant(books);
        const verdicts = runChecks(snapshotOf(books), books.history);
        const words = verdicts.flatMap(({ offenders }) => offenders.map((offender) => offender.words));
        expect(words.join("\n")).to.match(new RegExp(says.source, "m"));
        for (const one of words)
          expect(one, "what to do").to.match(/(: |; ).*(read|restore|have to|verify|tell)/);
      });
    }

    it("covers every invariant but those of redemptions, which are planted in redemptions.test.ts", () => {
      const ofClaims = Object.keys(INVARIANTS).filter((name) => name.startsWith("U"));
      expect(new Set(damages.map((damage) => damage.fails))).to.deep.equal(new Set(ofClaims));
    });
  });

  describe("from outside, without codes and Redis", () => {
    const outside = (books: Books) =>
      violated(
        runOutsideChecks(
          { ...snapshotOf(books), codes: [], redis: snapshotOf(emptyBooks(0)).redis },
          books.history,
        ),
      );

    it("healthy books pass", () => {
      for (const which of ["sold-out", "half", "grown"] as const)
        expect(outside(booksOf(which))).to.deep.equal([]);
    });

    it("notices everything but what only the stores show", () => {
      const inside =
        /pool|claims hash|ledger|stranded|Redis|armed|codes than|no code of|bound|nobody added|is no date|^events:/;
      const seen = damages.filter(({ what }) => !inside.test(what));
      expect(seen.length).to.be.greaterThan(20);
      for (const { fails, what, to, plant } of seen) {
        const books = booksOf(to);
        plant(books);
        expect(outside(books), what).to.deep.equal([fails]);
      }
    });
  });

  it("notices a store that moved while it was read (U5)", () => {
    const snapshot = snapshotOf(booksOf("half"));
    const lengths = { ...snapshot.redis.lengths, claims: snapshot.redis.lengths.claims + 1 };
    const moved = { ...snapshot, redis: { ...snapshot.redis, lengths } };
    expect(violated(runChecks(moved, booksOf("half").history))).to.deep.equal(["U5"]);
  });

  it("allows for the clock tolerance it is given, and no more", () => {
    const books = booksOf("half");
    books.history.push({
      claimKey: "user-0",
      invokedAtMs: STARTS_AT_MS - 3,
      answeredAtMs: STARTS_AT_MS - 2,
      invokedOrder: 1_000,
      answeredOrder: 1_001,
      outcome: {
        kind: "issued",
        code: books.codes[0] ?? "",
        seq: 1,
        issuedAtMs: STARTS_AT_MS,
        replayed: true,
      },
    });
    const withClock = (clockMs: number) =>
      violated(runChecks(snapshotOf(books), books.history, { clockMs, lateRefusalMs: 250 }));
    expect(withClock(2)).to.deep.equal([]);
    expect(withClock(1)).to.deep.equal(["U8"]);
  });

  it("never shows a whole code or claim key", () => {
    for (const { to, plant } of damages) {
      const books = booksOf(to);
      plant(books);
      const text = JSON.stringify(runChecks(snapshotOf(books), books.history));
      expect(text).not.to.match(/[가-힣]/);
      expect(text).not.to.match(/user-|late-|waiting-/);
    }
  });

  it("counts every violation and keeps few examples", () => {
    const books = healthyBooks({ total: 100, issued: 50 });
    books.claims = [];
    const u5 = runChecks(snapshotOf(books), books.history).find((verdict) => verdict.invariant === "U5");
    expect(u5?.count).to.equal(50);
    expect(u5?.offenders).to.have.length(5);
    expect(verdictTable(u5 === undefined ? [] : [u5]).join("\n")).to.contain("and 45 more");
  });
});
