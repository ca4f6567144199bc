import { expect } from "chai";
import { examine, type Suspects } from "../../audit/examination.ts";
import type { Ordered } from "../../audit/facts.ts";
import type { PoolMark } from "../../audit/snapshot.ts";
import type { Verdict } from "../../audit/verdict.ts";
import { violated } from "../../audit/verdict-table.ts";
import {
  type Books,
  codeOf,
  emptyBooks,
  healthyBooks,
  STARTS_AT_MS,
  snapshotOf,
} from "../support/written-books.ts";

const TOTAL = 10;

type Reading = { readonly verdicts: readonly Verdict[]; readonly suspects: Suspects };

/** One reading of a sale in progress: the ledger changes between the two marks. */
function read(books: Books, earlier?: Reading, ordered?: Ordered): Reading {
  const { campaign, codes, issuances, redis } = snapshotOf(books);
  const { meta, lengths, seq } = redis;
  const examination = examine(campaign, {
    ...{ scope: "stores", rest: "observed", suspects: earlier?.suspects },
  });
  for (const [ordinal, code] of codes.entries()) examination.made(code, ordinal);
  for (const list of [redis.staged, redis.open, redis.away])
    for (const code of list) examination.pooled(code);
  for (const claim of redis.claims) examination.bound(claim);
  for (const issuance of issuances) examination.issued(issuance);
  if (ordered !== undefined) examination.orderedAfter(ordered);
  const after: PoolMark = { meta, lengths, seq, fenced: false };
  examination.marks({ ...after, lengths: { ...lengths, ledger: lengths.ledger + 1 } }, after);
  const conclusion = examination.conclude();
  let step = conclusion.next();
  while (step.done !== true) step = conclusion.next();
  expect(examination.live).to.equal(true);
  return { verdicts: step.value, suspects: examination.suspects() };
}

/** Adds codes and issuances that no pool gave out; their numbers (seq) never occurred in Redis. */
function addRogues(books: Books, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const ordinal = books.codes.push(codeOf(books.codes.length)) - 1;
    books.issuances.push({
      ...{ code: codeOf(ordinal), claimKey: `rogue-${ordinal}`, generation: 1, seq: 1_000_000 + ordinal },
      issuedAtMs: STARTS_AT_MS + ordinal,
    });
  }
  books.seq = TOTAL;
}

const violatedIn = ({ verdicts }: Reading) => violated(verdicts);
const wordsIn = ({ verdicts }: Reading) =>
  verdicts.flatMap(({ offenders }) => offenders.map(({ words }) => words));

describe("audit of a live sale, reading by reading", () => {
  it("U3: more issued than there are coupons, and more in each reading", () => {
    const books = healthyBooks({ total: TOTAL, issued: 5 });
    addRogues(books, TOTAL);
    const first = read(books);
    addRogues(books, 3);
    const second = read(books, first);
    expect(violatedIn(second)).to.include("U3");
    expect(wordsIn(second)).to.include("18 coupons issued of 10");
    expect(wordsIn(second)).to.include("23 codes on record, 10 ordered");
  });

  it("U3: what no movement excuses counts although the reading before had not found it", () => {
    const before = read(healthyBooks({ total: TOTAL, issued: 5 }));
    const books = healthyBooks({ total: TOTAL, issued: 5 });
    addRogues(books, TOTAL);
    expect(violatedIn(read(books, before))).to.deep.equal(["U3"]);
  });

  it("U10: places above those that the pool has given, whatever Redis had when the reading began", () => {
    const books = healthyBooks({ total: TOTAL, issued: 5 });
    addRogues(books, 1);
    const first = read(books);
    addRogues(books, 1);
    expect(violatedIn(read(books, first))).to.include("U10");
  });

  it("U5: numbers that go on changing are the same violation", () => {
    const books = healthyBooks({ total: TOTAL, issued: 5 });
    books.open.pop();
    Object.assign(books.meta ?? {}, { generation: 7 });
    const first = read(books);
    books.open.pop();
    Object.assign(books.meta ?? {}, { generation: 8 });
    const second = wordsIn(read(books, first));
    expect(second).to.include("pool and claims are 8 codes together, not 10");
    expect(second).to.include("the pool is of generation 8, MongoDB has 1");
  });

  it("what was only on its way in one reading, and something else in the next, is no violation", () => {
    const books = healthyBooks({ total: TOTAL, issued: 5 });
    const [one, other] = [books.open[0], books.open[1]];
    books.open = books.open.filter((code) => code !== one);
    const first = read(books);
    expect(violatedIn(first)).to.deep.equal(["U5"]);
    const next = healthyBooks({ total: TOTAL, issued: 5 });
    next.open = next.open.filter((code) => code !== other);
    next.open.push(String(next.open[0]));
    expect(wordsIn(read(next, first)).filter((words) => words.includes("stranded"))).to.deep.equal([]);
  });

  it("coupons that were added and taken while it was read are not too many", () => {
    const books = healthyBooks({ total: TOTAL, issued: TOTAL });
    books.campaign.state = "OPEN";
    const grown = emptyBooks(TOTAL + 2);
    books.codes = grown.codes;
    for (const ordinal of [TOTAL, TOTAL + 1])
      books.issuances.push({
        ...{ code: codeOf(ordinal), claimKey: `late-${ordinal}`, generation: 1, seq: ordinal + 1 },
        issuedAtMs: STARTS_AT_MS + ordinal,
      });
    const u3 = ({ verdicts }: Reading) => verdicts.find(({ invariant }) => invariant === "U3")?.ok;
    expect(u3(read(books, undefined, { total: TOTAL + 2 }))).to.equal(true);
    expect(u3(read(books, undefined, { total: TOTAL + 1 }))).to.equal(false);
    // A top-up is under way: more codes are being made.
    books.issuances.splice(-2);
    expect(u3(read(books, undefined, { total: TOTAL, growingTo: TOTAL + 5 }))).to.equal(true);
  });
});
