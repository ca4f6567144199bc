import { expect } from "chai";
import { type RunFacts, runRunChecks } from "../../audit/check-run.ts";
import { violated } from "../../audit/verdict-table.ts";
import { codeOf, healthyBooks, STARTS_AT_MS } from "../support/written-books.ts";

const books = healthyBooks({ total: 10, issued: 5 });

function facts(change: Partial<RunFacts> = {}): RunFacts {
  return {
    startsAtMs: STARTS_AT_MS,
    recoveredAtMs: STARTS_AT_MS - 500,
    history: books.history,
    lastFaultAtMs: STARTS_AT_MS,
    presses: [{ claimKey: "user-1", firstAskedAtMs: STARTS_AT_MS, answeredAtMs: STARTS_AT_MS + 5_000 }],
    stalls: [],
    generations: [1, 1, 2, 2, 4],
    notYetDurable: [],
    lookedUp: 5,
    withoutCredentials: { tried: 2, letIn: 0 },
    logLines: 100,
    leaks: [],
    ...change,
  };
}

describe("audit of a run", () => {
  it("a healthy run passes, and says how much was looked at", () => {
    const verdicts = runRunChecks(facts());
    expect(violated(verdicts)).to.deep.equal([]);
    expect(verdicts.map(({ invariant, checked }) => [invariant, checked])).to.deep.equal([
      ["U2", 5],
      ["U9", 1],
      ["U11", 1],
      ["U12", 5],
      ["U13", 102],
    ]);
  });

  const damages: readonly (readonly [string, string, Partial<RunFacts>])[] = [
    ["U2", "a coupon was told and not on record", { notYetDurable: [codeOf(3)] }],
    [
      "U9",
      "the first coupon came late",
      { recoveredAtMs: STARTS_AT_MS - 2_000, startsAtMs: STARTS_AT_MS - 1_001 },
    ],
    ["U9", "no coupon came at all", { history: [] }],
    [
      "U11",
      "an answer came late",
      { presses: [{ claimKey: "u", firstAskedAtMs: 0, answeredAtMs: STARTS_AT_MS + 5_001 }] },
    ],
    [
      "U11",
      "an answer never came",
      { presses: [{ claimKey: "u", firstAskedAtMs: STARTS_AT_MS, answeredAtMs: undefined }] },
    ],
    ["U12", "the generation fell", { generations: [1, 3, 2] }],
    ["U13", "somebody was let in", { withoutCredentials: { tried: 2, letIn: 1 } }],
    ["U13", "a secret was logged", { leaks: ["a log line of server A holds a code"] }],
  ];
  for (const [fails, what, change] of damages) {
    it(`${fails}: ${what}`, () => {
      const verdicts = runRunChecks(facts(change));
      expect(violated(verdicts)).to.deep.equal([fails]);
      expect(JSON.stringify(verdicts)).not.to.match(/[가-힣]/);
    });
  }

  const late = { presses: [{ claimKey: "u", firstAskedAtMs: 0, answeredAtMs: STARTS_AT_MS + 6_000 }] };
  const stalls: readonly (readonly [string, number, readonly string[]])[] = [
    ["within the wait is not counted", STARTS_AT_MS + 4_000, []],
    ["that reaches into the wait counts by that part", STARTS_AT_MS + 1_000, []],
    ["that reaches into it by too little does not help", STARTS_AT_MS + 999, ["U11"]],
    ["before the wait does not help", STARTS_AT_MS, ["U11"]],
    ["after the answer does not help", STARTS_AT_MS + 7_500, ["U11"]],
  ];
  for (const [what, endedAtMs, fails] of stalls) {
    it(`a stall of the observer ${what}`, () => {
      const verdicts = runRunChecks(facts({ ...late, stalls: [{ endedAtMs, ms: 1_500 }] }));
      expect(violated(verdicts)).to.deep.equal(fails);
    });
  }

  it("a stall of the observer is no part of the wait for the first coupon either", () => {
    const change = { recoveredAtMs: STARTS_AT_MS - 2_000, startsAtMs: STARTS_AT_MS - 1_001 };
    const stall = { endedAtMs: STARTS_AT_MS - 500, ms: 300 };
    expect(violated(runRunChecks(facts({ ...change, stalls: [stall] })))).to.deep.equal([]);
  });

  it("U9 says nothing where the service was up across the start", () => {
    expect(violated(runRunChecks(facts({ recoveredAtMs: undefined, history: [] })))).to.deep.equal([]);
  });
});
