import { expect } from "chai";
import { createAgenda } from "../../bench/scale/agenda.ts";
import { simulateClosedLoop } from "../../bench/scale/closed-loop.ts";
import { type Costs, fitBatchCost, itemCost } from "../../bench/scale/costs.ts";
import { type OpeningPlan, simulateOpening } from "../../bench/scale/opening.ts";
import { createMachine } from "../../bench/scale/processors.ts";
import { seededRandom } from "../../callers/random.ts";

const none = { serverUs: 0, redisUs: 0, mongodbUs: 0 };
const nothing = { batchUs: 0, itemUs: 0 };
const costsOf = (given: Partial<Costs>): Costs => ({
  ...{ server: nothing, redis: nothing, mongodb: nothing, callerUs: 0.001, waitUs: 0, refusalUs: 1 },
  ...{ redisRefusalUs: 0, statusUs: 0, watchUs: 0, idle: none, lookUs: 0 },
  ...given,
});
const real = costsOf({
  server: { batchUs: 400, itemUs: 30 },
  redis: { batchUs: 60, itemUs: 9 },
  mongodb: { batchUs: 600, itemUs: 20 },
  ...{ callerUs: 10, waitUs: 600, refusalUs: 20, redisRefusalUs: 1 },
});

describe("the scale simulation", () => {
  it("the agenda keeps the order of instants, and of what was set for one instant", () => {
    const agenda = createAgenda();
    const seen: string[] = [];
    const random = seededRandom(1);
    const instants = Array.from({ length: 500 }, () => Math.floor(random() * 50));
    for (const [at, us] of instants.entries()) agenda.after(us, () => seen.push(`${us}/${at}`));
    agenda.runUntil(49);
    const wanted = instants.map((us, at) => ({ us, at })).sort((a, b) => a.us - b.us || a.at - b.at);
    expect(seen).to.deep.equal(wanted.map(({ us, at }) => `${us}/${at}`));
    expect(agenda.nowUs()).to.equal(49);
  });

  it("programs share the cores of their machine, and none uses more than its own width", () => {
    const agenda = createAgenda();
    const machine = createMachine(agenda, 2);
    const [narrow, wide] = [machine.program(), machine.program(3)];
    const ended: string[] = [];
    for (let i = 0; i < 3; i += 1) narrow.run(10, () => ended.push(`narrow ${agenda.nowUs()}`));
    for (let i = 0; i < 3; i += 1) wide.run(10, () => ended.push(`wide ${agenda.nowUs()}`));
    agenda.runUntil(1_000);
    expect(ended.filter((one) => one.startsWith("narrow"))).to.deep.equal([
      "narrow 10",
      "narrow 20",
      "narrow 30",
    ]);
    expect(ended.filter((one) => one.startsWith("wide"))).to.deep.equal(["wide 10", "wide 20", "wide 30"]);
    expect(narrow.busyUs() + wide.busyUs()).to.equal(60);
  });

  it("two runs give both prices of a part back, and noise makes none negative", () => {
    const wanted = { batchUs: 600, itemUs: 20 };
    const seen = (batch: number) => ({ batch, itemUs: itemCost(wanted, batch) });
    const found = fitBatchCost(seen(4), seen(90));
    expect(found.batchUs).to.be.closeTo(600, 1e-6);
    expect(found.itemUs).to.be.closeTo(20, 1e-6);
    expect(fitBatchCost({ batch: 4, itemUs: 10 }, { batch: 90, itemUs: 30 })).to.deep.equal({
      batchUs: 0,
      itemUs: 30,
    });
    expect(fitBatchCost({ batch: 1, itemUs: 500 }, { batch: 100, itemUs: 1 }).itemUs).to.equal(0);
  });

  it("a closed loop goes as fast as its narrowest part, and no faster than its cores", () => {
    const plan = { cores: 2, connections: 64, seconds: 2 };
    const redisOnly = costsOf({ redis: { batchUs: 0, itemUs: 100 } });
    expect(simulateClosedLoop(redisOnly, plan).perSecond).to.be.closeTo(10_000, 100);
    expect(simulateClosedLoop(redisOnly, { ...plan, share: 0.5 }).perSecond).to.be.closeTo(5_000, 50);
    const both = costsOf({ server: { batchUs: 0, itemUs: 100 }, redis: { batchUs: 0, itemUs: 100 } });
    const alone = simulateClosedLoop(both, { ...plan, cores: 1 });
    expect(alone.perSecond).to.be.closeTo(5_000, 100);
    expect(alone.coresBusy).to.be.closeTo(1, 0.01);
    const waiting = simulateClosedLoop(costsOf({ waitUs: 10_000 }), { ...plan, connections: 1 });
    expect(waiting.perSecond).to.be.closeTo(100, 2);
    expect(waiting.p50Ms).to.be.closeTo(10, 0.2);
    const costly = simulateClosedLoop(real, plan);
    expect(costly.coresBusy).to.be.within(1, 2);
  });

  const plan: OpeningPlan = {
    ...{ requestsPerSecond: 20_000, coupons: 5_000, servers: 4, mongodbCores: 4, before: 0.5, after: 2 },
  };

  it("every request is answered once, exactly the coupons are issued, and a seed repeats it all", () => {
    const opening = simulateOpening(real, plan, seededRandom(7));
    const { issued, early, overloaded } = opening.answered;
    expect(issued).to.equal(5_000);
    expect(early).to.be.within(9_000, 11_000);
    expect(overloaded).to.equal(0);
    expect(opening.arrived).to.be.within(48_000, 52_000);
    expect(opening.unanswered).to.be.within(0, 100);
    expect(opening.soldMs).to.be.at.most(opening.durableMs);
    expect(simulateOpening(real, plan, seededRandom(7))).to.deep.equal(opening);
    expect(simulateOpening(real, plan, seededRandom(8)).arrived).not.to.equal(opening.arrived);
  });

  it("a queue that is full refuses, and no more wait than its bound", () => {
    const slow = { ...real, redis: { batchUs: 60, itemUs: 500 } };
    const crowd = { ...plan, requestsPerSecond: 40_000, servers: 1 };
    const opening = simulateOpening(slow, crowd, seededRandom(7));
    expect(opening.answered.overloaded).to.be.greaterThan(1_000);
    expect(opening.mostWaiting).to.equal(20_000);
    expect(opening.answered.issued).to.be.within(1, 5_000);
    expect(opening.busy.redis).to.be.closeTo(1, 0.05);
  });
});
