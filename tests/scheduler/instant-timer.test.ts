import { expect } from "chai";
import fc from "fast-check";
import { atInstant, createInstantTimers } from "../../scheduler/instant-timer.ts";
import { fakeClock } from "../support/fake-clock.ts";

const DAY_MS = 86_400_000;
const START_MS = 1_800_000_000_000;
/** The longest sleep, as in instant-timer.ts. */
const LOOK_AGAIN_MS = 10_000;

function aimed(inMs: number, earlyMs = 0) {
  const clock = fakeClock({ startMs: START_MS, earlyMs });
  const firedAt: number[] = [];
  const cancel = atInstant(clock, START_MS + inMs, () => void firedAt.push(clock.now()));
  return { clock, firedAt, cancel };
}

describe("instant timer", () => {
  it("fires once, at the instant and not a millisecond before", () => {
    const { clock, firedAt } = aimed(2_500);
    clock.pass(2_499);
    expect(firedAt).to.deep.equal([]);
    clock.pass(1);
    expect(firedAt).to.deep.equal([START_MS + 2_500]);
    clock.pass(DAY_MS);
    expect(firedAt).to.have.length(1);
    expect(clock.waiting()).to.deep.equal([]);
  });

  for (const earlyMs of [1, 7]) {
    it(`asks the clock again when timers fire ${earlyMs} ms early`, () => {
      const { clock, firedAt } = aimed(2_500, earlyMs);
      clock.pass(2_499);
      expect(firedAt).to.deep.equal([]);
      clock.pass(1);
      expect(firedAt).to.deep.equal([START_MS + 2_500]);
    });
  }

  it("sleeps in pieces: an instant further than 2^31 ms away does not fire at once", () => {
    const { clock, firedAt } = aimed(26 * DAY_MS);
    expect(Math.max(...clock.waiting())).to.be.at.most(LOOK_AGAIN_MS);
    clock.pass(1_000);
    expect(firedAt).to.deep.equal([]);
    clock.pass(26 * DAY_MS - 1_001);
    expect(firedAt).to.deep.equal([]);
    clock.pass(1);
    expect(firedAt).to.deep.equal([START_MS + 26 * DAY_MS]);
  });

  it("an instant that has passed fires with the next timer, not inside the call", () => {
    for (const inMs of [0, -5_000]) {
      const { clock, firedAt } = aimed(inMs);
      expect(firedAt).to.deep.equal([]);
      clock.pass(0);
      expect(firedAt).to.deep.equal([START_MS]);
    }
  });

  it("a clock set back: waits for the instant on the clock as it is now", () => {
    const { clock, firedAt } = aimed(5_000);
    clock.pass(1_000);
    clock.step(-60_000);
    clock.pass(4_000);
    expect(firedAt).to.deep.equal([]);
    clock.pass(60_000 - 1);
    expect(firedAt).to.deep.equal([]);
    clock.pass(1);
    expect(firedAt).to.deep.equal([START_MS + 5_000]);
  });

  it("a clock set forward: notices within ten seconds", () => {
    const { clock, firedAt } = aimed(3_600_000);
    clock.pass(500);
    clock.step(3_600_000);
    clock.pass(LOOK_AGAIN_MS);
    expect(firedAt).to.have.length(1);
  });

  it("cancelled: silent, in the first sleep, in a later one, and after it has fired", () => {
    for (const passedMs of [0, 25_000]) {
      const { clock, firedAt, cancel } = aimed(60_000);
      clock.pass(passedMs);
      cancel();
      cancel();
      clock.pass(DAY_MS);
      expect([firedAt, clock.waiting()]).to.deep.equal([[], []]);
    }
    const { clock, firedAt, cancel } = aimed(10);
    clock.pass(10);
    cancel();
    expect(firedAt).to.have.length(1);
  });

  it("whatever the clock does: once, never early, and at most ten seconds late (property)", () => {
    const event = fc.oneof(
      fc.record({ pass: fc.integer({ min: 0, max: 15_000 }) }),
      fc.record({ step: fc.integer({ min: -30_000, max: 30_000 }) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: -1_000, max: 100_000 }),
        fc.nat(3),
        fc.array(event, { maxLength: 40 }),
        (inMs, earlyMs, events) => {
          const { clock, firedAt } = aimed(inMs, earlyMs);
          let dueForMs = 0;
          for (const one of events) {
            const due = clock.now() >= START_MS + inMs;
            if ("pass" in one) clock.pass(one.pass);
            else clock.step(one.step);
            for (const at of firedAt) expect(at).to.be.at.least(START_MS + inMs);
            if (due && "pass" in one) dueForMs += one.pass;
            else if (!due) dueForMs = 0;
            if (dueForMs > LOOK_AGAIN_MS) expect(firedAt).to.have.length(1);
          }
          expect(firedAt.length).to.be.at.most(1);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("instant timers", () => {
  function timers() {
    const clock = fakeClock({ startMs: START_MS });
    const fired: string[] = [];
    const all = createInstantTimers(clock);
    const aim = (id: string, inMs: number, name = id) =>
      all.aim(id, START_MS + inMs, () => void fired.push(`${name} ${clock.now() - START_MS}`));
    return { clock, fired, all, aim };
  }

  it("the same instant again changes nothing, another one replaces it", () => {
    const { clock, fired, aim } = timers();
    expect([aim("a", 5_000), aim("a", 5_000, "again"), aim("a", 5_000)]).to.deep.equal([true, false, false]);
    expect(clock.waiting()).to.have.length(1);
    expect(aim("a", 8_000, "moved")).to.equal(true);
    expect(clock.waiting()).to.have.length(1);
    clock.pass(10_000);
    expect(fired).to.deep.equal(["moved 8000"]);
  });

  it("campaigns do not disturb each other", () => {
    const { clock, fired, aim } = timers();
    for (const [i, id] of ["a", "b", "c"].entries()) aim(id, 3_000 - i * 1_000);
    clock.pass(10_000);
    expect(fired).to.deep.equal(["c 1000", "b 2000", "a 3000"]);
  });

  it("after it has fired the same instant can be aimed at again, also from inside", () => {
    const { clock, fired, all, aim } = timers();
    all.aim("a", START_MS + 100, () => {
      fired.push("first");
      aim("a", 100, "second");
    });
    clock.pass(100);
    clock.pass(1);
    expect(fired).to.deep.equal(["first", "second 100"]);
    expect(aim("a", 100, "third")).to.equal(true);
  });

  it("clear: nothing fires any more, and it can be used again", () => {
    const { clock, fired, all, aim } = timers();
    aim("a", 1_000);
    aim("b", 60_000);
    all.clear();
    clock.pass(DAY_MS);
    expect([fired, clock.waiting()]).to.deep.equal([[], []]);
    aim("a", 1_000);
    clock.pass(1);
    expect(fired).to.have.length(1);
  });
});
