import { expect } from "chai";
import fc from "fast-check";
import { runChecks } from "../../audit/checks.ts";
import { verdictTable, violated } from "../../audit/verdict-table.ts";
import { type Books, snapshotOf } from "../support/written-books.ts";
import { sales, simulate } from "./simulated-sale.ts";

const RUNS = 500;
const verdictsOf = (books: Books) => runChecks(snapshotOf(books), books.history);

describe("audit properties", () => {
  it("every history of a right issuer passes, and hazards do occur in them", () => {
    let replays = 0;
    let soldOut = 0;
    let lost = 0;
    let early = 0;
    let ordered = 0;
    fc.assert(
      fc.property(sales, (sale) => {
        const books = simulate(sale);
        const verdicts = verdictsOf(books);
        expect(violated(verdicts), verdictTable(verdicts).join("\n")).to.deep.equal([]);
        for (const { outcome } of books.history) {
          if (outcome.kind === "issued" && outcome.replayed) replays += 1;
          if (outcome.kind === "unknown") lost += 1;
          if (outcome.kind === "refused" && outcome.reason === "SOLD_OUT") soldOut += 1;
          if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") early += 1;
        }
        ordered += verdicts.find((verdict) => verdict.invariant === "U10")?.checked ?? 0;
      }),
      { numRuns: RUNS },
    );
    for (const seen of [replays, soldOut, lost, early, ordered]) expect(seen).to.be.greaterThan(100);
  });

  it("the order of entries in the history does not matter", () => {
    fc.assert(
      fc.property(sales, fc.infiniteStream(fc.nat()), (sale, salt) => {
        const books = simulate(sale);
        const before = verdictsOf(books);
        books.history = books.history
          .map((entry) => ({ entry, key: salt.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ entry }) => entry);
        expect(verdictsOf(books)).to.deep.equal(before);
      }),
      { numRuns: RUNS },
    );
  });

  it("a coupon taken out of the record is always noticed", () => {
    let planted = 0;
    fc.assert(
      fc.property(sales, fc.nat(), (sale, pick) => {
        const books = simulate(sale);
        const acknowledged = new Set(
          books.history.flatMap(({ claimKey, outcome }) => (outcome.kind === "issued" ? [claimKey] : [])),
        );
        const holders = books.issuances.filter((issuance) => acknowledged.has(issuance.claimKey));
        const victim = holders[pick % Math.max(1, holders.length)];
        if (victim === undefined) return;
        planted += 1;
        books.issuances = books.issuances.filter((issuance) => issuance !== victim);
        expect(violated(verdictsOf(books))).to.include.members(["U2", "U5"]);
      }),
      { numRuns: RUNS },
    );
    expect(planted).to.be.greaterThan(100);
  });

  it("the sweep of U10 finds what a comparison of all pairs finds", () => {
    let wrong = 0;
    fc.assert(
      fc.property(sales, fc.nat(), fc.nat(), (sale, one, two) => {
        const books = simulate({ ...sale, rebuildAtMs: 1_000 });
        swapSeqs(books, one, two);
        const verdict = verdictsOf(books).find(({ invariant }) => invariant === "U10");
        const expected = misplacedByAllPairs(books);
        wrong += expected;
        expect(verdict?.count).to.equal(expected);
      }),
      { numRuns: RUNS },
    );
    expect(wrong).to.be.greaterThan(100);
  });
});

function swapSeqs(books: Books, one: number, two: number): void {
  const count = books.issuances.length;
  if (count < 2) return;
  const a = (one % count) + 1;
  const b = (two % count) + 1;
  const swap = (seq: number) => (seq === a ? b : seq === b ? a : seq);
  for (const row of [...books.issuances, ...books.claims]) row.seq = swap(row.seq);
  for (const entry of books.history) {
    if (entry.outcome.kind === "issued") entry.outcome = { ...entry.outcome, seq: swap(entry.outcome.seq) };
  }
}

/** How many claims have a lower seq than a claim whose answer had arrived before they were first sent. */
function misplacedByAllPairs({ history }: Books): number {
  const claims = new Map<string, { seq: number; asked: number; answered: number }>();
  for (const { claimKey, outcome, answeredOrder } of history) {
    if (outcome.kind !== "issued") continue;
    const asked = Math.min(
      ...history
        .filter((entry) => entry.claimKey === claimKey && entry.outcome.kind !== "refused")
        .map((entry) => entry.invokedOrder),
    );
    const answered = Math.min(answeredOrder, claims.get(claimKey)?.answered ?? Number.POSITIVE_INFINITY);
    claims.set(claimKey, { seq: outcome.seq, asked, answered });
  }
  const all = [...claims.values()];
  return all.filter((late) => all.some((early) => early.answered < late.asked && early.seq >= late.seq))
    .length;
}
