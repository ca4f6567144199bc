import { expect } from "chai";
import fc from "fast-check";
import type { HistoryEntry } from "../../audit/history.ts";
import { gatherFairness, inversionsOf, percentiles } from "../../cli/fairness.ts";

const START = 1_800_000_000_000;

function entry(claimKey: string, askedMs: number, seq: number | "NOT_STARTED", issuedMs = seq): HistoryEntry {
  const outcome =
    seq === "NOT_STARTED"
      ? ({ kind: "refused", reason: seq } as const)
      : ({
          kind: "issued",
          code: `c${seq}`,
          seq,
          issuedAtMs: START + Number(issuedMs),
          replayed: false,
        } as const);
  const invokedAtMs = START + askedMs;
  return {
    claimKey,
    outcome,
    invokedAtMs,
    answeredAtMs: invokedAtMs + 7,
    invokedOrder: askedMs,
    answeredOrder: askedMs + 7,
  };
}

describe("cli fairness", () => {
  it("counts as many inversions as a comparison of all pairs", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (list) => {
        let expected = 0;
        for (const [i, a] of list.entries()) for (const b of list.slice(i + 1)) if (a > b) expected++;
        expect(inversionsOf(Uint32Array.from(list))).to.equal(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("compares arrival with issue, one a key, by the first ask after the start and the first answer", () => {
    const gathering = gatherFairness(START);
    for (const one of [
      entry("early", -500, "NOT_STARTED"),
      entry("early", 40, 4),
      entry("a", 10, 2),
      entry("a", 300, 2),
      entry("b", 20, 1),
      entry("c", 30, 3),
    ])
      gathering.take(one);
    const result = gathering.result();
    expect(result).to.include({ requests: 6, holders: 4, inversions: 1, pairs: 6 });
    expect(result.placesLost).to.include({ p50: 0, max: 1 });
    expect(result.waitMs).to.include({ p50: 7, max: 7 });
  });

  it("has percentiles that occurred, and zeros of nothing", () => {
    expect(percentiles([3, 1, 2])).to.deep.equal({ p50: 2, p99: 3, p999: 3, max: 3 });
    expect(percentiles([])).to.deep.equal({ p50: 0, p99: 0, p999: 0, max: 0 });
  });
});
