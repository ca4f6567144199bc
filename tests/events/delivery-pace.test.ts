import { expect } from "chai";
import { createDeliveryPace } from "../../events/delivery-pace.ts";
import { fakeClock } from "../support/fake-clock.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("the pace of deliveries", () => {
  /** A pace whose process has answered so many requests a second so far; work takes `ms`. */
  function paced() {
    const clock = fakeClock();
    let answers = 0;
    const pace = createDeliveryPace(clock, () => answers);
    const begun: number[] = [];
    const work = (ms: number) => () =>
      new Promise<void>((resolve) => {
        begun.push(clock.elapsed());
        clock.after(ms, resolve);
      });
    const busyFor = (ms: number, perSecond: number) => {
      answers += (perSecond * ms) / 1_000;
      clock.pass(ms);
    };
    return { clock, pace, begun, work, busyFor };
  }

  /** Lets time pass in steps, with what is due in each. */
  async function pass(ms: number, busyFor: (ms: number, perSecond: number) => void, perSecond: number) {
    for (let passed = 0; passed < ms; passed += 5) {
      busyFor(5, perSecond);
      await settled();
    }
  }

  it("rests nine times as long as it worked, one piece of work after the other, while claims are answered", async () => {
    const { clock, pace, begun, work, busyFor } = paced();
    busyFor(1_000, 200);
    const from = clock.elapsed();
    const done = Promise.all([pace.run(work(20)), pace.run(work(20)), pace.run(work(20))]);
    await settled();
    await pass(600, busyFor, 200);
    await done;
    expect(begun.map((at) => at - from)).to.deep.equal([0, 200, 400]);
  });

  it("holds nothing up where nobody claims", async () => {
    const { clock, pace, begun, work, busyFor } = paced();
    busyFor(1_000, 20);
    const from = clock.elapsed();
    const done = Promise.all([pace.run(work(20)), pace.run(work(20))]);
    await pass(40, busyFor, 20);
    await done;
    expect(begun.map((at) => at - from)).to.deep.equal([0, 0]);
  });

  it("goes on after work that failed", async () => {
    const { pace, begun, work, busyFor } = paced();
    busyFor(1_000, 200);
    const failed = pace.run(() => Promise.reject(new Error("refused"))).catch(String);
    const next = pace.run(work(5));
    await pass(50, busyFor, 200);
    await next;
    expect([await failed, begun.length]).to.deep.equal(["Error: refused", 1]);
  });
});
