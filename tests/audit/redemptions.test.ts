import { expect } from "chai";
import { runChecks } from "../../audit/checks.ts";
import type { RecordedUse, RedemptionRecord, ToldRedemption } from "../../audit/redemptions.ts";
import { violated } from "../../audit/verdict-table.ts";
import { codeOf, healthyBooks, snapshotOf } from "../support/written-books.ts";

const ISSUED_MS = 1_000_000;
const DAY_MS = 86_400_000;
const code = codeOf(0);

const use = (key: string, state: string, more: Partial<RecordedUse> = {}): RecordedUse => ({
  ...{ key, state, reservedAtMs: undefined, untilMs: undefined, endedAtMs: undefined },
  ...more,
});
const kept = (reservedAtMs: number, untilMs: number, endedAtMs?: number) => ({
  ...{ reservedAtMs: ISSUED_MS + reservedAtMs, untilMs: ISSUED_MS + untilMs },
  endedAtMs: endedAtMs === undefined ? undefined : ISSUED_MS + endedAtMs,
});
const record = (uses: readonly RecordedUse[], more: Partial<RedemptionRecord> = {}): RedemptionRecord => ({
  ...{ code, issuedAtMs: ISSUED_MS, uses, voids: [], readAtMs: ISSUED_MS + 100 * DAY_MS },
  ...more,
});

/** What is violated; without rules each code is redeemed once. */
function wrongOf(
  records: readonly RedemptionRecord[],
  { told = [], rules = {} }: { told?: readonly ToldRedemption[]; rules?: object } = {},
): string[] {
  const books = healthyBooks({ total: 10, issued: 5 });
  const redemption = { fromMs: undefined, untilMs: undefined, days: undefined, max: 1, ...rules };
  const snapshot = snapshotOf({ ...books, campaign: { ...books.campaign, redemption } });
  return violated(runChecks({ ...snapshot, redemptions: records }, books.history, undefined, told));
}

describe("audit of redemptions", () => {
  const confirmed = use("a", "confirmed", kept(0, 100, 50));
  const oneStep = use("a", "confirmed", { endedAtMs: ISSUED_MS + 50 });

  it("what a healthy life leaves passes", () => {
    const healthy = [
      use("x", "expired", kept(0, 100, 100)),
      use("y", "cancelled", kept(100, 300, 200)),
      use("z", "cancelled", { endedAtMs: ISSUED_MS + 150 }),
      use("a", "confirmed", kept(200, 900, 899)),
    ];
    const voids = [
      { atMs: ISSUED_MS + 150, voided: true },
      { atMs: ISSUED_MS + 160, voided: false },
    ];
    expect(wrongOf([record(healthy, { voids })], { told: [{ code, key: "a" }] })).to.deep.equal([]);
    expect(wrongOf([record([oneStep])])).to.deep.equal([]);
    expect(wrongOf([])).to.deep.equal([]);
    const three = ["a", "b", "c"].map((key) => use(key, "confirmed", kept(0, 100, 50)));
    expect(wrongOf([record(three)], { rules: { max: 3 } })).to.deep.equal([]);
  });

  it("R1: confirmed too often, kept by two at one time, two of one key, a wrong field", () => {
    expect(wrongOf([record([oneStep, use("b", "confirmed", kept(60, 100, 70))])])).to.deep.equal(["R1"]);
    const two = [use("a", "expired", kept(0, 100, 100)), use("b", "reserved", kept(99, 200))];
    expect(wrongOf([record(two)])).to.deep.equal(["R1"]);
    expect(wrongOf([record([oneStep, use("a", "cancelled", kept(0, 10, 5))])])).to.deep.equal(["R1"]);
    expect(wrongOf([record([], { misfit: "uses is no list" })])).to.deep.equal(["R1"]);
  });

  it("R2: an acknowledged confirmation that is not on record, or only reserved there", () => {
    const told = [{ code, key: "a" }];
    expect(wrongOf([], { told })).to.deep.equal(["R2"]);
    expect(wrongOf([record([use("a", "reserved", kept(0, 10))])], { told })).to.deep.equal(["R2"]);
    expect(wrongOf([record([confirmed])], { told: [{ code, key: "b" }] })).to.deep.equal(["R2"]);
  });

  it("R3: confirmed after its time-out, before its reservation, or begun while void or in the future", () => {
    for (const [uses, more] of [
      [[use("a", "confirmed", kept(0, 100, 100))], {}],
      [[use("a", "confirmed", kept(60, 100, 50))], {}],
      [[use("a", "confirmed", kept(0, 100))], {}],
      [[confirmed], { voids: [{ atMs: ISSUED_MS - 1, voided: true }] }],
      [[oneStep], { voids: [{ atMs: ISSUED_MS + 49, voided: true }] }],
      [[use("a", "reserved", kept(DAY_MS * 101, DAY_MS * 102))], {}],
      [[use("a", "expired", kept(0, DAY_MS * 102, DAY_MS * 102))], {}],
    ] as const)
      expect(wrongOf([record(uses, more)]), JSON.stringify([uses, more])).to.deep.equal(["R3"]);
  });

  it("R4: redeemed before or after the validity, or never issued", () => {
    const at = (ms: number) => [record([use("a", "confirmed", { endedAtMs: ISSUED_MS + ms })])];
    const rules = { fromMs: ISSUED_MS + 10, untilMs: ISSUED_MS + 50, days: 1 };
    expect(wrongOf(at(10), { rules })).to.deep.equal([]);
    expect(wrongOf(at(9), { rules })).to.deep.equal(["R4"]);
    expect(wrongOf(at(49), { rules })).to.deep.equal([]);
    expect(wrongOf(at(50), { rules })).to.deep.equal(["R4"]);
    expect(wrongOf(at(DAY_MS - 1), { rules: { days: 1 } })).to.deep.equal([]);
    expect(wrongOf(at(DAY_MS), { rules: { days: 1 } })).to.deep.equal(["R4"]);
    expect(wrongOf(at(-1))).to.deep.equal(["R4"]);
    expect(wrongOf([record([oneStep], { issuedAtMs: undefined })])).to.deep.equal(["R4"]);
  });
});
