import { expect } from "chai";
import { COME_AGAIN_MS_MAX, createWaitGate, type Left, PATIENCE_MS } from "../../claims/wait-gate.ts";
import { fakeClock } from "../support/fake-clock.ts";

const TARGET_MS = 100;
const LEAST = 20;

/** A pipeline that answers `perMs` claims each ms, first come first served, and takes 2 ms for a lone one. */
function open({ targetMs = TARGET_MS, least = LEAST } = {}) {
  const clock = fakeClock();
  const gate = createWaitGate({ clock, targetMs, least });
  const inside: ReturnType<typeof gate.enter>[] = [];
  const waits: number[] = [];
  const told: number[] = [];
  let due = 0;

  /** Lets `arrivals` come and `perMs` leave in each of so many ms. */
  function run(ms: number, arrivals: number, perMs: number): { admitted: number; refused: number } {
    const before = { admitted: waits.length + inside.length, refused: told.length };
    for (let at = 0; at < ms; at += 1) {
      for (let one = 0; one < arrivals; one += 1) come();
      clock.pass(1);
      due += perMs;
      for (; due >= 1 && inside[0] !== undefined && clock.elapsed() - inside[0].atMs >= 2; due -= 1) answer();
      due = Math.min(due, 1);
    }
    return {
      admitted: waits.length + inside.length - before.admitted,
      refused: told.length - before.refused,
    };
  }

  function come(): void {
    const comeAgainMs = gate.shedMs();
    if (comeAgainMs === undefined) inside.push(gate.enter());
    else told.push(comeAgainMs);
  }

  function answer(left: Left = "issued"): void {
    const first = inside.shift();
    if (first === undefined) return;
    waits.push(clock.elapsed() - first.atMs);
    gate.leave(first, left);
  }

  return { clock, gate, inside, waits, told, run, come, answer };
}

describe("wait gate", () => {
  it("admits all up to the capacity", () => {
    const { run, waits, gate } = open();
    expect(run(2_000, 10, 10).refused).to.equal(0);
    expect(Math.max(...waits)).to.be.below(10);
    expect(gate.waitMs()).to.equal(0);
  });

  for (const times of [2, 10, 50]) {
    it(`at ${times} times the capacity serves as many as it can, none after more than the target and the patience`, () => {
      const { run, waits } = open();
      const perMs = 10;
      // How fast claims leave is known once as many have left as fit a batch.
      run(50, 2 * perMs, perMs);
      waits.length = 0;
      const { refused } = run(3_000, times * perMs, perMs);
      expect(waits.length / 3_000).to.be.closeTo(perMs, 0.1);
      expect(refused).to.be.closeTo((times - 1) * perMs * 3_000, 3_000);
      expect(Math.max(...waits)).to.be.within(TARGET_MS, TARGET_MS + PATIENCE_MS + 20);
    });
  }

  it("a burst that is served before the patience is over is not refused", () => {
    const { run, inside } = open();
    run(50, 11, 10);
    const alreadyIn = inside.length;
    expect(run(1, 1_200 - alreadyIn, 10).refused).to.equal(0);
    expect(run(300, 0, 10).refused).to.equal(0);
    expect(inside).to.have.length(0);
  });

  it("a standing queue is refused until the wait is below the target again, and then not", () => {
    const { run, gate } = open();
    run(100, 13, 10);
    run(1, 900, 10);
    expect(gate.waitMs()).to.be.within(TARGET_MS, TARGET_MS + PATIENCE_MS);
    expect(run(PATIENCE_MS - 5, 10, 10).refused).to.equal(0);
    expect(run(20, 10, 10).refused).to.be.at.least(100);
    run(100, 0, 10);
    expect(gate.waitMs()).to.be.below(TARGET_MS);
    expect(run(500, 10, 10).refused).to.equal(0);
  });

  it("no more than a batch is never refused, however slowly claims leave", () => {
    const { run, inside, come, told } = open();
    run(3_000, 1, 0.01);
    expect(told).to.have.length.above(2_000);
    run(1, 0, inside.length - LEAST);
    told.length = 0;
    come();
    expect([inside.length, told.length]).to.deep.equal([LEAST + 1, 0]);
    come();
    expect([inside.length, told.length]).to.deep.equal([LEAST + 1, 1]);
  });

  it("claims that end by a failure or a deadline tell no rate", () => {
    const { clock, gate, inside, come, answer } = open();
    for (let one = 0; one < 10 * LEAST; one += 1) come();
    clock.pass(5_000);
    while (inside.length > 0) answer("failed");
    for (let one = 0; one < 10 * LEAST; one += 1) come();
    expect(inside).to.have.length(10 * LEAST);
    expect(gate.comeAgainMs()).to.equal(undefined);
  });

  it("claims that are answered past those that wait tell no rate", () => {
    const { run, waits, gate, clock } = open();
    run(50, 20, 10);
    waits.length = 0;
    // One of fifty asks again, and is answered after 3 ms, however many wait.
    for (let round = 0; round < 60; round += 1) {
      const again = gate.enter();
      run(3, 50, 10);
      gate.leave(again, "answered");
      run(47, 50, 10);
    }
    expect(Math.max(...waits)).to.be.below(TARGET_MS + PATIENCE_MS + 20);
    expect(clock.elapsed()).to.be.above(2_900);
  });

  it("stores that are far away are no queue: what a claim takes without one is added to the target", () => {
    const clock = fakeClock();
    const gate = createWaitGate({ clock, targetMs: TARGET_MS, least: LEAST });
    const farMs = 180;
    const inside: ReturnType<typeof gate.enter>[] = [];
    let refused = 0;
    for (let at = 0; at < 3_000; at += 1) {
      for (let one = 0; one < 10; one += 1)
        if (gate.shedMs() === undefined) inside.push(gate.enter());
        else refused += 1;
      clock.pass(1);
      while (inside[0] !== undefined && clock.elapsed() - inside[0].atMs >= farMs)
        gate.leave(inside.shift() as (typeof inside)[0], "issued");
    }
    expect([refused, inside.length > 1_700]).to.deep.equal([0, true]);
  });

  it("a rate is forgotten", () => {
    const { clock, run, gate, told, come, inside } = open();
    run(2_000, 100, 1);
    expect(told.length).to.be.above(0);
    run(2_000, 0, 1);
    clock.pass(9_000);
    told.length = 0;
    for (let one = 0; one < 1_000; one += 1) come();
    expect([inside.length, told.length, gate.waitMs()]).to.deep.equal([1_000, 0, 0]);
  });

  it("0 is off, and who cannot wait is still told when to come again", () => {
    const { run, gate, inside } = open({ targetMs: 0 });
    expect(run(500, 100, 10).refused).to.equal(0);
    expect(gate.comeAgainMs()).to.be.closeTo(inside.length / 10, 100);
  });

  it("tells each that is refused to come when those before it have: the more are refused, the later, up to 5 s", () => {
    const { run, told, gate } = open();
    run(50, 20, 10);
    run(40, 1_000, 10);
    const [first = 0, ...later] = told;
    expect(first).to.be.within(TARGET_MS, TARGET_MS + PATIENCE_MS + 20);
    for (const [at, one] of later.entries()) expect(one).to.be.within((told[at] ?? 0) - 1, COME_AGAIN_MS_MAX);
    // 10 come again in each ms.
    expect(later[1_000]).to.be.closeTo(first + 100, 20);
    expect(told.at(-1)).to.be.closeTo(3_850, 200);
    run(400, 1_000, 10);
    expect(told.at(-1)).to.equal(COME_AGAIN_MS_MAX);
    // Those told have come by then.
    run(5_500, 10, 10);
    expect(gate.comeAgainMs()).to.be.below(TARGET_MS + PATIENCE_MS);
  });
});
