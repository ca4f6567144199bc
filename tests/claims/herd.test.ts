import { expect } from "chai";
import { AFTER_THE_FIRST_MS, createHerd, FEW, PART_MS_MAX } from "../../claims/herd.ts";
import { fakeClock } from "../support/fake-clock.ts";

const CAMPAIGN = "01M7YQZAAWCPD2T0Z7YQGQM1FV";
const RATE = 5_000;
const SECRETS = [0, 0x9e3779b9, 0x12345678];
const keys = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `user-${from + i}`);

describe("The spread of callers that wait for a start", () => {
  function open(options: { ratePerSecond?: number; secret?: number } = {}) {
    const clock = fakeClock();
    const herd = createHerd({ clock, ratePerSecond: RATE, secret: 7, ...options });
    return {
      clock,
      part: (key: string, campaign = CAMPAIGN, mostMs = Number.POSITIVE_INFINITY) =>
        herd.partMs(campaign, key, mostMs),
    };
  }

  /** The parts of all, once all are counted. */
  function partsOf(part: (key: string) => number, all: readonly string[]): number[] {
    for (const key of all) part(key);
    return all.map((key) => part(key));
  }

  it("is none where few wait", () => {
    for (const secret of SECRETS) {
      const { part } = open({ secret, ratePerSecond: 1 });
      expect(new Set(partsOf(part, keys(FEW - 5)))).to.deep.equal(new Set([0]));
    }
  });

  for (const [waiting, windowMs] of [
    [1_000, 200],
    [20_000, 4_000],
    [100_000, PART_MS_MAX],
  ] as const) {
    it(`of ${waiting} callers is even over ${windowMs} ms`, () => {
      for (const secret of SECRETS) {
        const parts = partsOf(open({ secret }).part, keys(waiting));
        expect(Math.min(...parts)).to.equal(0);
        expect(Math.max(...parts)).to.be.within(
          0.85 * windowMs,
          Math.min(PART_MS_MAX, 1.1 * windowMs + AFTER_THE_FIRST_MS),
        );
        const after = parts.map((ms) => Math.max(0, ms - AFTER_THE_FIRST_MS));
        const tenthMs = (Math.max(...after) + 1) / 10;
        for (let tenth = 0; tenth < 10; tenth++) {
          const count = after.filter((ms) => Math.floor(ms / tenthMs) === tenth).length;
          expect(count, `in tenth ${tenth}`).to.be.within(0.07 * waiting, 0.13 * waiting);
        }
        expect(parts.every((ms) => Number.isInteger(ms) && ms >= 0)).to.equal(true);
      }
    });
  }

  it("leaves the first of them alone for a moment, however many wait, unless the sale is as short", () => {
    const { part } = open();
    const all = keys(20_000);
    const parts = partsOf(part, all).filter((ms) => ms > 0);
    expect(Math.min(...parts)).to.equal(AFTER_THE_FIRST_MS);
    expect(Math.max(...all.map((key) => part(key, CAMPAIGN, 10)))).to.equal(10);
    expect(Math.max(...all.map((key) => part(key, CAMPAIGN, 0)))).to.equal(0);
  });

  it("leaves some who come at the start itself, however slow the rate and however many wait", () => {
    for (const waiting of [50, 1_000, 20_000]) {
      const parts = partsOf(open({ ratePerSecond: 1 }).part, keys(waiting));
      expect(parts.filter((ms) => ms === 0).length, `of ${waiting}`).to.be.within(2, FEW);
    }
  });

  it("sends few back at once, also where each asks once and the count grows meanwhile", () => {
    const { part } = open();
    const parts = keys(20_000).map((key) => part(key));
    const in10Ms = new Map<number, number>();
    for (const ms of parts) in10Ms.set(Math.floor(ms / 10), (in10Ms.get(Math.floor(ms / 10)) ?? 0) + 1);
    expect(Math.max(...in10Ms.values())).to.be.below(1_000);
    expect(parts.filter((ms) => ms === 0).length, "at the start").to.be.within(FEW, 5 * FEW);
  });

  it("is the same for a key each time, in each process", () => {
    const [one, other] = [open({ secret: 1 }), open({ secret: 2 })];
    const all = keys(5_000);
    const parts = partsOf(one.part, all);
    expect(all.map((key) => one.part(key))).to.deep.equal(parts);
    // The counts of two processes differ by their errors.
    const others = partsOf(other.part, all);
    const windowMs = Math.max(...parts);
    for (const [i, ms] of others.entries()) expect(ms).to.be.closeTo(parts[i] ?? 0, 0.15 * windowMs);
  });

  it("is another one in another campaign", () => {
    const { part } = open();
    const other = "01M7YQZAAWCPD2T0Z7YQGQM1FW";
    const all = keys(2_000);
    const here = partsOf(part, all);
    const there = partsOf((key) => part(key, other), all);
    const near = here.filter((ms, i) => Math.abs(ms - (there[i] ?? 0)) < 10).length;
    expect(near).to.be.below(200);
  });

  it("counts a caller that hammers once", () => {
    const { part } = open();
    for (let i = 0; i < 10_000; i++) part("hammering");
    expect(part("hammering")).to.equal(0);
    expect(part("another")).to.equal(0);
  });

  it("counts campaigns apart", () => {
    const { part } = open();
    partsOf(part, keys(5_000));
    expect(keys(10).map((key) => part(key, "01M7YQZAAWCPD2T0Z7YQGQM1FW"))).to.deep.equal(Array(10).fill(0));
  });

  it("is never longer than asked for", () => {
    const { part } = open();
    const all = keys(20_000);
    partsOf(part, all);
    const parts = all.map((key) => part(key, CAMPAIGN, 100));
    expect(Math.max(...parts)).to.be.within(90, 100);
  });

  it("forgets callers half an hour after they were told, and none within a quarter", () => {
    const { part, clock } = open();
    const all = keys(5_000);
    const windowMs = Math.max(...partsOf(part, all));
    clock.pass(899_000);
    expect(part("user-1")).to.be.at.least(0);
    clock.pass(1_000);
    const later = keys(500, 100_000).map((key) => part(key));
    expect(Math.max(...later)).to.be.above(windowMs / 2);
    clock.pass(900_000);
    expect(Math.max(...keys(50, 200_000).map((key) => part(key)))).to.be.below(windowMs / 2);
    clock.pass(1_800_000);
    expect(Math.max(...keys(10, 300_000).map((key) => part(key)))).to.equal(0);
  });
});
