import { expect } from "chai";
import { fineAlarm, monotonicMs } from "../../bench/load/fine-alarm.ts";
import { coarseAlarm } from "../../callers/alarm.ts";

describe("bench: the alarm of the callers", () => {
  const fine = fineAlarm();
  after(() => fine.close());
  const ring = (alarm: Pick<typeof fine, "set">, afterMs: number) =>
    new Promise<number>((resolve) => {
      const setAtMs = monotonicMs();
      alarm.set(afterMs, () => resolve(monotonicMs() - setAtMs));
    });

  it("never rings before its instant, whole milliseconds or not", async () => {
    for (const afterMs of [0, 0.05, 0.3, 0.7, 1, 2.4, 5.9])
      expect(await ring(fine, afterMs), `${afterMs} ms`).to.be.at.least(afterMs);
  });

  it("is finer than a timer of Node, which takes a whole millisecond for a tenth of one", async function () {
    this.retries(3); // on a busy machine the process now and then wakes late
    const tookMs = async (alarm: Pick<typeof fine, "set">) => {
      const all: number[] = [];
      for (let time = 0; time < 51; time += 1) all.push(await ring(alarm, 0.1));
      return all.toSorted((a, b) => a - b)[25] ?? Number.NaN;
    };
    const [coarseMs, fineMs] = [await tookMs(coarseAlarm()), await tookMs(fine)];
    expect(coarseMs).to.be.at.least(1);
    expect(fineMs).to.be.below(coarseMs / 2);
  });

  it("set again, it rings once and for the last order only", async () => {
    const rung: string[] = [];
    fine.set(3, () => rung.push("first"));
    fine.set(0.2, () => rung.push("second"));
    await ring(coarseAlarm(), 8);
    expect(rung).to.deep.equal(["second"]);
  });

  it("cleared, it stays silent, and can be set again", async () => {
    let rung = 0;
    fine.set(0.5, () => {
      rung += 1;
    });
    fine.clear();
    await ring(coarseAlarm(), 5);
    expect(rung).to.equal(0);
    await ring(fine, 0.5);
  });
});
