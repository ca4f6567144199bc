import { expect } from "chai";
import { isSettled, type Settled, settledOf, settleMsOf } from "../../campaign/settled-issues.ts";
import type { Frontier } from "../../pool/answers.ts";
import type { CampaignDoc } from "../../record/documents.ts";

const SETTLE_MS = 10_000;
const campaign = (given: Partial<CampaignDoc> = {}) => ({ state: "OPEN", ...given }) as CampaignDoc;
const frontier = (given: Partial<Frontier> = {}): Frontier => ({
  ...{ status: "ok", generation: 3, base: 3, seq: 7, pending: undefined, sinceLoadMs: SETTLE_MS, ...given },
});
const below = (generation: number, seq: number, isAtRest: boolean): Settled => ({
  ...{ kind: "below", place: { generation, seq }, isAtRest },
});
const unknown: Settled = { kind: "unknown" };
const all: Settled = { kind: "all" };

describe("what is settled of the issue order", () => {
  const cases: [string, CampaignDoc, Frontier | undefined, Settled][] = [
    ["no claim under way", campaign(), frontier(), below(3, 8, true)],
    ["a claim under way", campaign(), frontier({ pending: { generation: 3, seq: 5 } }), below(3, 5, false)],
    [
      "one from before a change, which keeps the ledger",
      campaign(),
      frontier({ generation: 4, pending: { generation: 3, seq: 5 } }),
      below(3, 5, false),
    ],
    ["just rebuilt", campaign(), frontier({ sinceLoadMs: SETTLE_MS - 1 }), unknown],
    [
      "loaded for the first time",
      campaign(),
      frontier({ generation: 1, base: 1, sinceLoadMs: 0 }),
      below(1, 8, true),
    ],
    ["loaded by an earlier version", campaign(), frontier({ sinceLoadMs: undefined }), below(3, 8, true)],
    ["the clock of Redis was set back", campaign(), frontier({ sinceLoadMs: -5 }), below(3, 8, true)],
    ["no answer", campaign(), undefined, unknown],
    ["no pool", campaign(), frontier({ status: "none" }), unknown],
    ["a pool in another Redis", campaign(), frontier({ status: "fenced" }), unknown],
    ["a pool of an old Redis", campaign({ loadedGeneration: 4 }), frontier(), unknown],
    ["sold out, and just rebuilt", campaign({ state: "SOLD_OUT" }), frontier({ sinceLoadMs: 0 }), all],
    ["sold out, without Redis", campaign({ state: "SOLD_OUT" }), undefined, all],
    ["sold out: more may be added", campaign({ state: "SOLD_OUT" }), frontier(), below(3, 8, true)],
    ["ended", campaign({ state: "ENDED" }), frontier(), all],
    ["cancelled", campaign({ state: "CANCELLED" }), undefined, all],
    ["ended, and claims are under way", campaign({ state: "ENDED", settling: true }), undefined, unknown],
  ];
  for (const [name, doc, seen, expected] of cases)
    it(name, () => expect(settledOf(doc, seen, SETTLE_MS)).to.deep.equal(expected));

  it("is what comes before a place", () => {
    const places = [
      [1, 99],
      [3, 4],
      [3, 5],
      [4, 1],
    ].map(([generation = 0, seq = 0]) => ({ generation, seq }));
    const told = (settled: Settled) => places.map((place) => isSettled(place, settled));
    expect(told(below(3, 5, false))).to.deep.equal([true, true, false, false]);
    expect([told(all), told(unknown)]).to.deep.equal([Array(4).fill(true), Array(4).fill(false)]);
  });

  it("inserts have ended after twice their deadline", () => expect(settleMsOf(4_000)).to.equal(SETTLE_MS));
});
