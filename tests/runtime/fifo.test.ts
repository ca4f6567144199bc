import { expect } from "chai";
import { createFifo } from "../../runtime/fifo.ts";
import { collectGarbage } from "../support/collect-garbage.ts";

describe("fifo", () => {
  it("gives items in the order in which they came, whatever comes between", () => {
    const fifo = createFifo<{ n: number }>();
    const got: number[] = [];
    let given = 0;
    for (let round = 0; round < 5_000; round++) {
      for (let i = 0; i <= round % 3; i++) fifo.push({ n: given++ });
      for (let i = 0; i < 2; i++) {
        const first = fifo.shift();
        if (first !== undefined) got.push(first.n);
      }
    }
    while (fifo.size() > 0) got.push(fifo.shift()?.n ?? -1);
    expect(got).to.deep.equal(Array.from({ length: given }, (_, i) => i));
    expect(fifo.shift()).to.equal(undefined);
  });

  it("keeps nothing that has left it, though it is never empty", async () => {
    const fifo = createFifo<object>();
    let kept = 0;
    const registry = new FinalizationRegistry(() => {
      kept -= 1;
    });
    const pushOne = () => {
      const item = { body: new Array(10).fill(0) };
      registry.register(item, undefined);
      kept += 1;
      fifo.push(item);
    };
    pushOne();
    for (let i = 0; i < 10_000; i++) {
      pushOne();
      fifo.shift();
    }
    for (let tries = 0; kept > 5 && tries < 100; tries++) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(kept).to.be.at.most(5);
    expect(fifo.size()).to.equal(1);
    // Nor their places: eight bytes each.
    const item = {};
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 5_000_000; i++) {
      fifo.push(item);
      fifo.shift();
    }
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).to.be.lessThan(20_000_000);
  });
});
