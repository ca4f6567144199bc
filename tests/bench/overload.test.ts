import { expect } from "chai";
import type { CallerReport, Seen, Stream } from "../../bench/load/caller-jobs.ts";
import { partsOf } from "../../bench/load/crowd.ts";
import { checkWave } from "../../bench/rates/overload/check-wave.ts";
import { curvesOf, figuresOf } from "../../bench/rates/overload/figures.ts";
import { normalMsOf, type Probe, recoveredAfterMs } from "../../bench/rates/overload/lone-caller.ts";
import { readLoopDelay } from "../../bench/rates/overload/loop-delay.ts";
import type { StepResult } from "../../bench/rates/overload/run-step.ts";
import { CALLERS_MOST, nameOf, stepOf } from "../../bench/rates/overload/step.ts";
import { waveOf } from "../../bench/rates/overload/wave.ts";
import { Trouble } from "../../bench/trouble.ts";
import { got, refused, unanswered } from "./seen.ts";

describe("bench: overload", () => {
  describe("a step", () => {
    it("lasts as long as it may, a quarter of it before the instant", () => {
      const step = stepOf(2, 5_000, 4);
      expect(step).to.deep.equal({
        ...{ times: 2, perSecond: 10_000, count: 40_000, arrivalsMs: 4_000, beforeMs: 1_000 },
      });
    });

    it("keeps its rate and lasts shorter where its callers would be too many", () => {
      const step = stepOf(50, 12_000, 4);
      expect(step).to.deep.include({
        perSecond: 600_000,
        count: CALLERS_MOST,
        arrivalsMs: 200,
        beforeMs: 50,
      });
    });

    it("names its figures in letters and digits", () => {
      expect([0.5, 1, 50].map((times) => nameOf("overload", { times }))).to.deep.equal([
        "overload_half",
        "overload_1",
        "overload_50",
      ]);
    });
  });

  it("the processes of a crowd divide callers and rate, and share no user", () => {
    const stream: Stream = {
      ...{ campaignId: "c", userPrefix: "w-", fromMs: 1_000, perSecond: 100, count: 10, seed: 3 },
      spacing: "random",
    };
    const parts = partsOf(stream, 4);
    expect(parts.map(({ count }) => count)).to.deep.equal([2, 3, 2, 3]);
    expect(parts.map(({ perSecond }) => perSecond)).to.deep.equal([25, 25, 25, 25]);
    expect(new Set(parts.map(({ seed }) => seed)).size).to.equal(4);
    expect(parts.map(({ userPrefix }) => userPrefix)).to.deep.equal(["w-0-", "w-1-", "w-2-", "w-3-"]);
  });

  describe("a wave", () => {
    const instants = { startsAtMs: 1_000, lastDueMs: 2_000 };
    const report = (seen: readonly Seen[], left = { unsent: 0, unanswered: 0 }): CallerReport => ({
      ...{ seen, left, seconds: 1, worstLagMs: 0 },
    });
    const at = (one: Seen, answeredAtMs: number, latencyMs: number, sentAfterMs: number): Seen => ({
      ...{ ...one, answeredAtMs, latencyMs, sentAfterMs },
    });

    it("goodput counts coupons alone, from the instant to the last due time", () => {
      const seen = [
        refused("NOT_STARTED"),
        got("a", 1_001, 1_100),
        got("b", 1_002, 1_200),
        unanswered("reset"),
      ];
      const wave = waveOf(report(seen, { unsent: 7, unanswered: 5 }), instants);
      expect(wave.goodput).to.equal(2);
      expect(wave).to.deep.include({ broken: 1, unanswered: 5, unsent: 7, endMs: 2_000 });
      expect(wave.refusals).to.deep.equal({ NOT_STARTED: 1 });
    });

    it("goodput ends when the last caller has come: not those who come again; a late refusal only ends the wave", () => {
      const seen = [
        at(got("a"), 1_100, 50, 0),
        at(got("b"), 3_000, 1_500, 500),
        { ...at(got("c"), 4_000, 10, 0), isAgain: true },
        { ...refused("OVERLOADED", 9_000), isAgain: true },
      ];
      const wave = waveOf(report(seen), instants);
      expect(wave.goodput).to.equal(1);
      expect(wave.endMs).to.equal(9_000);
      const late = waveOf(report([...seen, at(got("d"), 3_100, 150, 50)]), instants);
      // The last one wrote at 3,000: two were answered by then, in two seconds.
      expect(late.goodput).to.equal(1);
    });

    it("latency is from the due time; without the callers' own delay, from the writing", () => {
      const seen = [
        at(got("a"), 1_500, 400, 300),
        at(got("b"), 1_600, 500, 450),
        at(refused("X"), 1_700, 900, 0),
      ];
      const { p50Ms, p99Ms, p999Ms, writtenP99Ms } = waveOf(report(seen), instants);
      expect({ p50Ms, p99Ms, p999Ms, writtenP99Ms }).to.deep.equal({
        ...{ p50Ms: 400, p99Ms: 500, p999Ms: 500, writtenP99Ms: 100 },
      });
    });

    it("the rate of the callers is that of their writing", () => {
      // Written at 1,400, 1,500 and 1,600.
      const seen = [at(got("a"), 1_500, 300, 200), at(got("b"), 1_600, 100, 0), at(got("c"), 1_900, 300, 0)];
      expect(waveOf(report(seen), instants).sentPerSecond).to.equal(10);
      expect(waveOf(report(seen.slice(0, 1)), instants).sentPerSecond).to.equal(0);
    });
  });

  describe("what was answered is checked", () => {
    const record = (...codes: string[]) => ({ codes: new Set(codes), startsAtMs: 1_000, unanswered: 0 });

    it("each coupon on record, and each on record answered or uncertain", () => {
      expect(checkWave([got("a"), refused("OVERLOADED")], record("a"))).to.equal(1);
      expect(checkWave([got("a"), refused("UNCERTAIN")], record("a", "b"))).to.equal(1);
      expect(checkWave([got("a"), unanswered("reset")], record("a", "b"))).to.equal(1);
      expect(checkWave([got("a")], { ...record("a", "b"), unanswered: 1 })).to.equal(1);
    });

    it("lost, twice, unrecorded or early is no figure but a failure", () => {
      const check = (seen: readonly Seen[], codes: string[]) => () => checkWave(seen, record(...codes));
      expect(check([got("a"), got("a")], ["a"])).to.throw(Trouble, "to two callers");
      expect(check([got("a")], ["b"])).to.throw(Trouble, "not on record");
      expect(check([got("a", 999)], ["a"])).to.throw(Trouble, "early");
      expect(check([got("a"), refused("OVERLOADED")], ["a", "b"])).to.throw(Trouble, "2 coupons on record");
    });
  });

  describe("the lone caller", () => {
    const every20 = (fromMs: number, ...latencies: number[]): Probe[] =>
      latencies.map((latencyMs, index) => ({ atMs: fromMs + 20 * index, latencyMs }));
    const many = (latencyMs: number, count = 9) => Array.from({ length: count }, () => latencyMs);

    it("normal is twice the median before, or the p99 where that is more", () => {
      expect(normalMsOf(every20(0, ...many(2, 99), 3))).to.equal(4);
      expect(normalMsOf(every20(0, ...many(2, 90), ...many(30, 10)))).to.equal(30);
    });

    it("is back to normal at the first of several quick requests after the wave", () => {
      const probes = every20(900, ...many(1, 5), 50, 50, ...many(2), 50);
      expect(recoveredAfterMs(probes, 1_000, 4)).to.equal(40);
    });

    it("not by single quick requests, nor by refusals, nor by too few", () => {
      const seldomQuick = Array.from({ length: 20 }, (_, index) => (index % 3 === 0 ? 2 : 50));
      const forever = Number.POSITIVE_INFINITY;
      expect(recoveredAfterMs(every20(0, ...seldomQuick), 0, 4)).to.equal(undefined);
      expect(recoveredAfterMs(every20(0, ...many(50, 20)), 0, 4)).to.equal(undefined);
      expect(recoveredAfterMs(every20(0, ...many(forever, 20)), 0, 4)).to.equal(undefined);
      expect(recoveredAfterMs(every20(0, ...many(2, 8)), 0, 4)).to.equal(undefined);
    });
  });

  it("the delay of the event loop is in ms", () => {
    const page = "nodejs_eventloop_lag_max_seconds 0.25\nnodejs_eventloop_lag_p99_seconds 0.0123\n";
    expect(readLoopDelay(page)).to.deep.equal({ p99Ms: 12.3, maxMs: 250 });
    expect(() => readLoopDelay("x 1\n")).to.throw(Trouble, "nodejs_eventloop_lag_p99_seconds");
  });

  it("figures are medians of the runs, beside the goodput at the capacity; curves have a place a step", () => {
    const run = (goodput: number, refusals: Record<string, number> = {}): StepResult => ({
      wave: {
        ...{ goodput, sentPerSecond: 1, p50Ms: 1, p99Ms: 2, p999Ms: 3, writtenP99Ms: 1 },
        ...{ refusals, broken: 0, unanswered: 0, unsent: 0, endMs: 0 },
      },
      ...{ loop: { p99Ms: 10, maxMs: 11 }, memoryMb: 100, recoveredAfterMs: 500, checksHeld: 9, unread: 0 },
      looks: { healthMs: [1, 2, 9], operatorsMs: [3] },
    });
    const results = [
      { step: stepOf(1, 1_000, 4), runs: [run(900), run(1_000), run(1_100)] },
      { step: stepOf(10, 1_000, 4), runs: [run(400), run(500), run(900, { OVERLOADED: 6 })] },
    ];
    const value = (wanted: string) =>
      figuresOf("overload", results).find(({ name }) => name === wanted)?.value;
    expect(value("overload_1_goodput_of_1")).to.equal(1);
    expect(value("overload_10_goodput_of_1")).to.equal(0.5);
    expect(value("overload_10_refused_overloaded")).to.equal(0);
    expect(value("overload_1_refused_overloaded")).to.equal(undefined);
    expect(value("overload_10_normal_after")).to.equal(0.5);
    expect([value("overload_1_health_p99"), value("overload_1_operators_p99")]).to.deep.equal([9, 3]);
    const [goodput, latency] = curvesOf("overload", results);
    expect(goodput?.places).to.deep.equal(["1", "10"]);
    expect(goodput?.series[0]?.values).to.deep.equal([1_000, 500]);
    expect(latency?.series.map(({ name }) => name)).to.deep.equal(["p50", "p99", "p99.9"]);
  });
});
