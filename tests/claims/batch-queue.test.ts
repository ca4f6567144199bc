import { expect } from "chai";
import fc from "fast-check";
import { createBatchQueue, QueueFull } from "../../claims/batch-queue.ts";

type Batch = { items: readonly number[]; finish: () => void; fail: (cause: unknown) => void };

/** A queue whose batches end when the test ends them; each item's result is ten times the item. */
function controlled(limits: { maxBatch?: number; maxInFlight?: number; maxWaiting?: number } = {}) {
  const batches: Batch[] = [];
  const queue = createBatchQueue<number, number>({
    maxBatch: 4,
    maxInFlight: 1,
    maxWaiting: 100,
    ...limits,
    run: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, finish: () => resolve(items.map((item) => item * 10)), fail: reject });
      }),
  });
  return { queue, batches };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const itemsOf = (batches: readonly Batch[]) => batches.map(({ items }) => items);

describe("batch queue", () => {
  it("a lone item goes at the end of the same turn of the event loop, without any timer", async () => {
    const { queue, batches } = controlled();
    const timersBefore = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const pushed = queue.push(1);
    expect(batches).to.deep.equal([]);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout")).to.have.length(
      timersBefore,
    );
    await turn();
    expect(itemsOf(batches)).to.deep.equal([[1]]);
    batches[0]?.finish();
    expect(await pushed).to.equal(10);
  });

  it("what one turn brings goes together, what comes while a batch is under way goes with the next", async () => {
    const { queue, batches } = controlled();
    const results = [queue.push(1), queue.push(2)];
    await turn();
    results.push(queue.push(3));
    await turn();
    results.push(queue.push(4));
    await turn();
    expect(itemsOf(batches)).to.deep.equal([[1, 2]]);
    batches[0]?.finish();
    await turn();
    expect(itemsOf(batches)).to.deep.equal([
      [1, 2],
      [3, 4],
    ]);
    batches[1]?.finish();
    expect(await Promise.all(results)).to.deep.equal([10, 20, 30, 40]);
  });

  it("no batch is larger and no more are under way than allowed", async () => {
    const { queue, batches } = controlled({ maxBatch: 2, maxInFlight: 3 });
    const results = Array.from({ length: 9 }, (_, i) => queue.push(i));
    await turn();
    expect(itemsOf(batches)).to.deep.equal([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(queue.size()).to.equal(9);
    batches[1]?.finish();
    await turn();
    expect(itemsOf(batches).slice(3)).to.deep.equal([[6, 7]]);
    for (const batch of batches) batch.finish();
    await turn();
    for (const batch of batches) batch.finish();
    expect(await Promise.all(results)).to.deep.equal([0, 10, 20, 30, 40, 50, 60, 70, 80]);
    expect(queue.size()).to.equal(0);
  });

  it("what is too much is refused at once and untried; what waits is not harmed", async () => {
    const { queue, batches } = controlled({ maxBatch: 1, maxWaiting: 2 });
    const results = [queue.push(1)];
    await turn();
    results.push(queue.push(2), queue.push(3));
    const refused = await queue.push(4).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(QueueFull);
    expect(queue.size()).to.equal(3);
    for (let i = 0; i < 3; i++) {
      batches[i]?.finish();
      await turn();
    }
    expect(await Promise.all(results)).to.deep.equal([10, 20, 30]);
    expect(itemsOf(batches)).to.deep.equal([[1], [2], [3]]);
    const later = queue.push(5);
    await turn();
    batches[3]?.finish();
    expect(await later).to.equal(50);
  });

  it("a batch that fails rejects its own items only", async () => {
    const { queue, batches } = controlled({ maxBatch: 2, maxInFlight: 2 });
    const results = Array.from({ length: 6 }, (_, i) => queue.push(i));
    const settled = Promise.allSettled(results);
    const cause = new Error("this batch");
    await turn();
    batches[1]?.fail(cause);
    await turn();
    batches[0]?.finish();
    batches[2]?.finish();
    expect((await settled).map((one) => (one.status === "fulfilled" ? one.value : one.reason))).to.deep.equal(
      [0, 10, cause, cause, 40, 50],
    );
  });

  it("a throw before the first await, and too few results, are failures like any other", async () => {
    let calls = 0;
    const queue = createBatchQueue<number, number>({
      maxBatch: 10,
      maxInFlight: 1,
      maxWaiting: 10,
      run: (items) => {
        calls++;
        if (calls === 1) throw new Error("at once");
        return Promise.resolve(calls === 2 ? [] : [...items]);
      },
    });
    const errorOf = (push: Promise<number>) => push.then(String, (error: Error) => error.message);
    expect(await errorOf(queue.push(1))).to.equal("at once");
    expect(await errorOf(queue.push(2))).to.equal("a batch of 1 gave 0 results");
    expect(await queue.push(3)).to.equal(3);
  });

  it("idle: at once when nothing is there, else when the last of it has ended, failures included", async () => {
    const { queue, batches } = controlled({ maxBatch: 1 });
    await queue.idle();
    const pushed = Promise.allSettled([queue.push(1), queue.push(2)]);
    let idle = 0;
    const waiting = [queue.idle(), queue.idle()].map((one) => one.then(() => idle++));
    await turn();
    batches[0]?.fail(new Error("trouble"));
    await turn();
    expect(idle).to.equal(0);
    batches[1]?.finish();
    await Promise.all(waiting);
    expect(queue.size()).to.equal(0);
    await pushed;
  });

  it("any pushes, ends and failures: each item once, in order, within the bounds (property)", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant("push" as const) },
      { weight: 2, arbitrary: fc.constant("turn" as const) },
      { weight: 2, arbitrary: fc.constant("finish" as const) },
      { weight: 1, arbitrary: fc.constant("fail" as const) },
    );
    const limits = fc.record({
      maxBatch: fc.integer({ min: 1, max: 4 }),
      maxInFlight: fc.integer({ min: 1, max: 3 }),
      maxWaiting: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (bounds, steps) => {
        const { queue, batches } = controlled(bounds);
        const over = new Set<Batch>();
        const results = new Map<number, Promise<string>>();
        const cause = new Error("planned");
        let full = 0;
        const end = (how: "finish" | "fail") => {
          const open = batches.find((batch) => !over.has(batch));
          if (open === undefined) return;
          over.add(open);
          if (how === "finish") open.finish();
          else open.fail(cause);
        };
        for (const [item, what] of steps.entries()) {
          if (what === "push") {
            const result = queue.push(item).then(String, (error: unknown) => {
              if (error instanceof QueueFull) full++;
              return error instanceof QueueFull ? "full" : error === cause ? "failed" : "?";
            });
            results.set(item, result);
          } else if (what === "turn") await turn();
          else end(what);
          await Promise.resolve();
          expect(batches.length - over.size).to.be.at.most(bounds.maxInFlight);
          expect(queue.size()).to.be.at.most(bounds.maxWaiting + bounds.maxInFlight * bounds.maxBatch);
        }
        for (let left = steps.length + 1; left > 0 && queue.size() > 0; left--) {
          await turn();
          end("finish");
        }
        await queue.idle();
        const sent = batches.flatMap(({ items }) => [...items]);
        const told = await Promise.all(
          [...results].map(async ([item, result]) => ({ item, told: await result })),
        );
        expect(sent).to.deep.equal(told.filter((one) => one.told !== "full").map(({ item }) => item));
        for (const { item, told: words } of told) {
          expect(words).to.be.oneOf([String(item * 10), "failed", "full"]);
        }
        expect(sent.length + full).to.equal(results.size);
        for (const { items } of batches) expect(items.length).to.be.within(1, bounds.maxBatch);
      }),
      { numRuns: 300 },
    );
  });

  it("lazy: what gathered while a batch was under way is deferred again, not sent at once", async () => {
    const deferred: (() => void)[] = [];
    const sent: number[][] = [];
    const ends: (() => void)[] = [];
    const queue = createBatchQueue<number, number>({
      run: async (items) => {
        sent.push([...items]);
        await new Promise<void>((resolve) => void ends.push(resolve));
        return items;
      },
      maxBatch: 10,
      maxInFlight: 1,
      maxWaiting: 10,
      defer: (callback) => void deferred.push(callback),
      lazy: true,
    });
    const first = queue.push(1);
    void queue.push(2);
    expect(deferred).to.have.length(1);
    deferred.shift()?.();
    expect(sent).to.deep.equal([[1, 2]]);
    const later = queue.push(3);
    expect(deferred).to.have.length(0);
    ends.shift()?.();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    expect([sent.length, deferred.length]).to.deep.equal([1, 1]);
    deferred.shift()?.();
    expect(sent).to.deep.equal([[1, 2], [3]]);
    ends.shift()?.();
    expect(await later).to.equal(3);
    await queue.idle();
  });
});
