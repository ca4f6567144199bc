import { expect } from "chai";
import type { schedule } from "node-cron";
import { createLogger } from "../../runtime/logger.ts";
import { createTick } from "../../scheduler/tick.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { acrossTheHour } from "./across-the-hour.ts";

/** A cron whose ticks the test triggers. */
function handCron() {
  const tasks: { tick: () => Promise<void>; destroyed: boolean }[] = [];
  const cron = ((_: string, tick: () => Promise<void>) => {
    const task = { tick, destroyed: false };
    tasks.push(task);
    return {
      destroy: () => {
        task.destroyed = true;
      },
    };
  }) as unknown as typeof schedule;
  return { tasks, cron };
}

/** Lets a round that waits for nothing end. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("tick", () => {
  it("does a round at once, then one a tick", async () => {
    const { tasks, cron } = handCron();
    let rounds = 0;
    const tick = createTick(fakeClock(), silentLogger, async () => void rounds++, cron);
    tick.start();
    expect(rounds).to.equal(1);
    await tick.stop();
    await tasks[0]?.tick();
    expect(rounds).to.equal(2);
    expect(tasks.map(({ destroyed }) => destroyed)).to.deep.equal([true]);
  });

  it("does one round at a time: ticks that come meanwhile are dropped", async () => {
    const { tasks, cron } = handCron();
    const ends: (() => void)[] = [];
    const tick = createTick(
      fakeClock(),
      silentLogger,
      () => new Promise<void>((resolve) => void ends.push(resolve)),
      cron,
    );
    tick.start();
    await tasks[0]?.tick();
    await tasks[0]?.tick();
    expect(ends).to.have.length(1);
    ends[0]?.();
    await tick.stop();
    void tasks[0]?.tick();
    expect(ends).to.have.length(2);
  });

  /** A tick on the test's clock, and the warnings that it logs. */
  function watched() {
    const { tasks, cron } = handCron();
    const clock = fakeClock();
    const said: { msg: string; overdueMs: number; clockStepMs?: number }[] = [];
    const logger = createLogger({
      level: "warn",
      format: "json",
      destination: { write: (line: string) => void said.push(JSON.parse(line)) },
    });
    return {
      tasks,
      clock,
      said,
      tick: (own = clock) => createTick(own, logger, async () => undefined, cron),
    };
  }

  it("says of a tick that stays away after a step of the wall clock by how much it was set", async () => {
    for (const stepMs of [-3_600_000, 7_000]) {
      const { tasks, clock, said, tick } = watched();
      const ticking = tick();
      ticking.start();
      await turn();
      clock.pass(2_900);
      await tasks[0]?.tick();
      // The clock is set in one span; the tick is found to be overdue in the next.
      clock.step(stepMs);
      clock.pass(100);
      expect(said).to.deep.equal([]);
      clock.pass(3_000);
      expect(said.map(({ msg, overdueMs, clockStepMs }) => [msg, overdueMs, clockStepMs])).to.deep.equal([
        ["cron tick overdue after a step of the wall clock; restarting it", 3_100, stepMs],
      ]);
      expect(tasks).to.have.length(2);
      await ticking.stop();
    }
  });

  it("a process that was held up is no tick that stays away: it is looked at again", async () => {
    const { tasks, clock, said, tick } = watched();
    let fire: () => void = () => undefined;
    const held: FakeClock = {
      ...clock,
      after(_, callback) {
        fire = callback;
        return () => undefined;
      },
    };
    const ticking = tick(held);
    ticking.start();
    clock.pass(3_000);
    fire();
    clock.pass(9_000);
    fire();
    expect([tasks.length, said.length]).to.deep.equal([1, 0]);
    clock.pass(3_000);
    fire();
    expect([tasks.length, said.length]).to.deep.equal([2, 1]);
    await ticking.stop();
  });

  describe("in the repeated hour of a zone with summer time, at 06:00 UTC of 1 November 2026 in New York", () => {
    it("ticks on in a process that runs in UTC, and would stop in one that does not", async function () {
      // Two processes at once, and again if a busy machine missed the instant; a bound against hanging.
      this.timeout(300_000);
      const [own, utc] = await Promise.all([acrossTheHour("own"), acrossTheHour("utc")]);
      expect(own).to.deep.equal({ before: true, after: false });
      expect(utc).to.deep.equal({ before: true, after: true });
    });
  });

  it("begins anew when the tick stays away, and says so", async () => {
    const { tasks, cron } = handCron();
    const clock = fakeClock();
    const said: string[] = [];
    const logger = createLogger({
      level: "warn",
      format: "json",
      destination: { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) },
    });
    let rounds = 0;
    const tick = createTick(clock, logger, async () => void rounds++, cron);
    tick.start();
    // In the first span the round at the start counts; in the second one, ticks prevent the warning.
    clock.pass(3_000);
    await turn();
    await tasks[0]?.tick();
    await turn();
    clock.pass(3_000);
    expect([tasks.length, rounds, said.length]).to.deep.equal([1, 2, 0]);
    clock.pass(3_000);
    expect([tasks.length, rounds, said.length]).to.deep.equal([2, 3, 1]);
    expect(tasks.map(({ destroyed }) => destroyed)).to.deep.equal([true, false]);
    expect(said[0]).to.equal("cron tick overdue; restarting it");
    await tick.stop();
    clock.pass(60_000);
    expect([tasks.length, rounds]).to.deep.equal([2, 3]);
  });

  it("stops twice and starts twice without harm", async () => {
    const { tasks, cron } = handCron();
    const tick = createTick(fakeClock(), silentLogger, async () => undefined, cron);
    tick.start();
    tick.start();
    expect(tasks).to.have.length(1);
    await tick.stop();
    await tick.stop();
  });

  it("the real node-cron ticks every second", async () => {
    let rounds = 0;
    await new Promise<void>((resolve) => {
      const tick = createTick(fakeClock(), silentLogger, async () => {
        rounds++;
        if (rounds === 3) void tick.stop().then(resolve);
      });
      tick.start();
    });
    expect(rounds).to.equal(3);
  });
});
