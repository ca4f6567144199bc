import { expect } from "chai";
import type { CampaignDoc } from "../../../record/documents.ts";
import type { WarmUpDoc } from "../../../record/warm-ups.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import type { Measure, WarmUpReport } from "../../../server/warm-up/warm-up.ts";
import {
  ABANDONED_AFTER_MS,
  BEGIN_BEFORE_MS,
  BEGIN_LATEST_MS,
  createWarmUpWatch,
} from "../../../server/warm-up/warm-up-watch.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { silentLogger } from "../../support/shared-stores.ts";

const REPORT: WarmUpReport = { claims: 10, isComplete: true, tookMs: 5, firstMs: 3, lastMs: 1 };

type Begun = { readonly id: string; readonly measure: Measure; readonly leftMs: number };

function watched(given: { random?: number; run?: (until: AbortSignal) => Promise<WarmUpReport> } = {}) {
  const { random = 1, run = async () => REPORT } = given;
  const clock = fakeClock();
  const state = { startsAtMs: new Map<string, number>(), answers: 0, isStoreAway: false };
  const begun: Begun[] = [];
  const left: WarmUpDoc[] = [];
  const removed: string[] = [];
  const metrics = createMetrics(clock);
  const watch = createWarmUpWatch({
    ...{ clock, metrics, logger: silentLogger, random: () => random },
    campaigns: {
      startingBetween: async (after, until) =>
        [...state.startsAtMs]
          .filter(([, atMs]) => atMs > after.getTime() && atMs <= until.getTime())
          .map(([_id, atMs]) => ({ _id, startsAt: new Date(atMs) }) as CampaignDoc),
    },
    warmUps: {
      abandoned: async (leastAgeMs, limit) => {
        expect(leastAgeMs).to.equal(ABANDONED_AFTER_MS);
        return left.slice(0, limit);
      },
    },
    warmUp: ({ _id, startsAt }, measure, until) => {
      begun.push({ id: _id, measure, leftMs: startsAt.getTime() - clock.now() });
      return run(until);
    },
    removeShadow: async ({ _id }) => void removed.push(_id),
    answers: () => state.answers,
    isStoreAway: () => state.isStoreAway,
  });
  const starts = (id: string, inMs: number) => void state.startsAtMs.set(id, clock.now() + inMs);
  const outcomes = async () => {
    const { values } = await metrics.warmUps.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
  };
  return { watch, clock, state, starts, begun, left, removed, outcomes };
}

describe("the watch that warms the claim path up before a start", () => {
  it("begins once the start is near enough, once for each campaign and start", async () => {
    const { watch, clock, starts, begun, outcomes } = watched();
    starts("a", BEGIN_BEFORE_MS + 1_000);
    await watch.look();
    expect(begun).to.deep.equal([]);
    clock.pass(1_000);
    await watch.look();
    await watch.look();
    expect(begun).to.deep.equal([{ id: "a", measure: "whole", leftMs: BEGIN_BEFORE_MS }]);
    expect(await outcomes()).to.deep.equal({ done: 1 });
  });

  it("begins again where the start was moved", async () => {
    const { watch, starts, begun } = watched();
    starts("a", 20_000);
    await watch.look();
    starts("a", 25_000);
    await watch.look();
    expect(begun.map(({ leftMs }) => leftMs)).to.deep.equal([20_000, 25_000]);
  });

  it("has a moment of its own for each process, in the first half of the time", async () => {
    for (const [random, leftMs] of [
      [0, BEGIN_BEFORE_MS / 2],
      [0.5, (BEGIN_BEFORE_MS * 3) / 4],
      [1, BEGIN_BEFORE_MS],
    ] as const) {
      const { watch, clock, starts, begun } = watched({ random });
      starts("a", leftMs + 1);
      await watch.look();
      expect(begun, `random ${random}`).to.deep.equal([]);
      clock.pass(1);
      await watch.look();
      expect(begun, `random ${random}`).to.have.lengthOf(1);
    }
  });

  it("begins at once in a process that started late, but not right before the start", async () => {
    const { watch, starts, begun } = watched();
    starts("too late", BEGIN_LATEST_MS - 1);
    starts("in time", BEGIN_LATEST_MS + 500);
    await watch.look();
    expect(begun.map(({ id }) => id)).to.deep.equal(["in time"]);
  });

  it("does the whole of it where the code may be cold, else little", async () => {
    const { watch, clock, state, starts, begun } = watched();
    const measureOf = async (id: string) => {
      starts(id, 20_000);
      await watch.look();
      return begun.find((one) => one.id === id)?.measure;
    };
    expect(await measureOf("first")).to.equal("whole");
    expect(await measureOf("second")).to.equal("short");
    clock.pass(600_000);
    expect(await measureOf("much later")).to.equal("whole");
    clock.pass(600_000);
    state.answers += 1_000;
    expect(await measureOf("in a sale")).to.equal("short");
  });

  it("ends before the start", async () => {
    let until: AbortSignal | undefined;
    let end: (report: WarmUpReport) => void = () => undefined;
    const { watch, clock, starts, outcomes } = watched({
      run: (signal) => {
        until = signal;
        return new Promise((resolve) => {
          end = resolve;
        });
      },
    });
    starts("a", 5_000);
    const looking = watch.look();
    await new Promise(setImmediate);
    clock.pass(3_999);
    expect(until?.aborted).to.equal(false);
    clock.pass(1);
    expect(until?.aborted).to.equal(true);
    end({ ...REPORT, isComplete: false });
    await looking;
    expect(await outcomes()).to.deep.equal({ cut: 1 });
  });

  it("takes a failure for no failure of anything else, and does not try again", async () => {
    const { watch, starts, begun, outcomes } = watched({ run: () => Promise.reject(new Error("no")) });
    starts("a", 20_000);
    await watch.look();
    await watch.look();
    expect(begun).to.have.lengthOf(1);
    expect(await outcomes()).to.deep.equal({ failed: 1 });
  });

  it("waits while a store is away", async () => {
    const { watch, state, starts, begun } = watched();
    starts("a", 20_000);
    state.isStoreAway = true;
    await watch.look();
    expect(begun).to.deep.equal([]);
    state.isStoreAway = false;
    await watch.look();
    expect(begun).to.have.lengthOf(1);
  });

  it("removes what warm-ups left that were cut off with their process", async () => {
    const { watch, clock, left, removed } = watched();
    left.push({ _id: "W1", campaignId: "a", begunAt: new Date(clock.now()) });
    await watch.look();
    expect(removed).to.deep.equal(["W1"]);
  });

  it("cuts the warm-up under way off when it stops, and waits for its end", async () => {
    const ended: string[] = [];
    const { watch, clock, starts, begun } = watched({
      run: (until) =>
        new Promise((resolve) =>
          until.addEventListener("abort", () => {
            ended.push("removed");
            resolve({ ...REPORT, isComplete: false });
          }),
        ),
    });
    starts("a", 20_000);
    watch.start();
    while (begun.length === 0) await new Promise(setImmediate);
    await watch.stop();
    expect(ended).to.deep.equal(["removed"]);
    expect(clock.waiting()).to.deep.equal([]);
  });
});
