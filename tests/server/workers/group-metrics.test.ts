import { expect } from "chai";
import { createMetrics, type Metrics } from "../../../runtime/metrics.ts";
import { createGroupMetrics, type Source } from "../../../server/workers/worker-metrics.ts";

type Asked = { readonly id: number; readonly metrics: Metrics; silent: boolean };

/**
 * A group of workers, each with real metrics in this process; each answers in JSON, as over the channel.
 */
function group(count: number) {
  const asked: Asked[] = [];
  const numbers: number[] = [];
  const sources = (): Source[] =>
    asked.map((worker) => ({
      id: worker.id,
      ask(number) {
        numbers.push(number);
        if (worker.silent) return;
        void worker.metrics.registry.getMetricsAsJSON().then((part) => {
          all.arrived(worker.id, number, JSON.parse(JSON.stringify(part)) as typeof part);
        });
      },
    }));
  const all = createGroupMetrics(sources);
  const add = () => asked.push({ id: asked.length + 1, metrics: createMetrics(), silent: false });
  for (let i = 0; i < count; i++) add();
  const worker = (id: number): Asked => {
    const found = asked.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no worker ${id}`);
    return found;
  };
  const die = (id: number) => {
    asked.splice(asked.indexOf(worker(id)), 1);
    all.departed(id);
  };
  const read = async (series: string) => valueIn(await all.page(), series);
  return { all, worker, die, read, numbers };
}

function valueIn(page: string, series: string): number {
  return Number(page.split(`\n${series} `)[1]?.split("\n")[0] ?? Number.NaN);
}

const ISSUED = 'coupon_claims_total{outcome="issued"}';

describe("metrics of a group", () => {
  it("adds up counts, sizes and queues; what all see alike is told once", async () => {
    const { worker, all } = group(2);
    for (const [id, by] of [
      [1, 3],
      [2, 4],
    ] as const) {
      const { metrics } = worker(id);
      metrics.claims.inc({ outcome: "issued" }, by);
      metrics.claimBatch.observe(by);
      metrics.queueDepth.set({ queue: "claims" }, by);
      metrics.ledgerDepth.set(by);
      metrics.breakerOpen.set({ breaker: "commits" }, id - 1);
    }
    const page = await all.page();
    expect(valueIn(page, ISSUED)).to.equal(7);
    expect(valueIn(page, "coupon_claim_batch_size_sum")).to.equal(7);
    expect(valueIn(page, 'coupon_claim_batch_size_bucket{le="4"}')).to.equal(2);
    expect(valueIn(page, 'coupon_queue_depth{queue="claims"}')).to.equal(7);
    expect(valueIn(page, "coupon_ledger_depth")).to.equal(4);
    expect(valueIn(page, 'coupon_breaker_open{breaker="commits"}')).to.equal(1);
    expect(valueIn(page, "coupon_workers")).to.equal(2);
    expect(valueIn(page, "process_resident_memory_bytes")).to.be.greaterThan(0);
    expect(page)
      .to.include("# HELP coupon_claims_total")
      .and.to.include("# TYPE coupon_claims_total counter");
  });

  it("what a dead worker had counted stays, its gauges go", async () => {
    const { worker, die, read } = group(2);
    worker(1).metrics.claims.inc({ outcome: "issued" }, 5);
    worker(1).metrics.ledgerDepth.set(9);
    worker(2).metrics.claims.inc({ outcome: "issued" }, 2);
    expect(await read(ISSUED)).to.equal(7);
    die(1);
    for (let scrape = 0; scrape < 3; scrape++) {
      expect(await read(ISSUED)).to.equal(7);
      expect(await read("coupon_ledger_depth")).to.equal(0);
      expect(await read("coupon_workers")).to.equal(1);
      expect(await read("coupon_worker_deaths_total")).to.equal(1);
    }
    die(2);
    expect(await read(ISSUED)).to.equal(7);
  });

  it("a worker that says nothing holds no page up for long, and what it had counted stays", async () => {
    const { worker, read } = group(2);
    worker(1).metrics.claims.inc({ outcome: "issued" }, 5);
    worker(1).metrics.ledgerDepth.set(9);
    expect(await read(ISSUED)).to.equal(5);
    worker(1).silent = true;
    worker(2).metrics.claims.inc({ outcome: "issued" }, 1);
    expect(await read(ISSUED)).to.equal(6);
    expect(await read("coupon_ledger_depth")).to.equal(0);
    worker(1).silent = false;
    expect(await read("coupon_ledger_depth")).to.equal(9);
  });

  it("a worker that dies while it is asked ends the waiting, and is counted once", async () => {
    const { all, worker, die } = group(2);
    worker(1).metrics.claims.inc({ outcome: "issued" }, 5);
    expect(valueIn(await all.page(), ISSUED)).to.equal(5);
    worker(1).silent = true;
    const asking = all.page();
    await new Promise((resolve) => setImmediate(resolve));
    die(1);
    expect(valueIn(await asking, ISSUED)).to.equal(5);
    expect(valueIn(await all.page(), ISSUED)).to.equal(5);
  });

  it("many pages at once ask each worker twice at most, and tell what had been counted before they were asked", async () => {
    const { all, worker, numbers } = group(1);
    const first = all.page();
    await new Promise((resolve) => setImmediate(resolve));
    worker(1).metrics.claims.inc({ outcome: "issued" }, 1);
    const later = Array.from({ length: 20 }, () => all.page());
    const pages = await Promise.all([first, ...later]);
    expect(new Set(numbers).size).to.equal(2);
    expect(new Set(pages.slice(1).map((page) => valueIn(page, ISSUED)))).to.deep.equal(new Set([1]));
  });
});
