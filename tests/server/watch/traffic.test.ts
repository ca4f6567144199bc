import { expect } from "chai";
import type { SeenProcess } from "../../../record/processes.ts";
import { LATENCY_BUCKETS, latencyBucket } from "../../../runtime/latency-histogram.ts";
import { createTrafficWindow } from "../../../server/watch/traffic.ts";
import { NOW_MS, seenProcess } from "../../support/preflight-facts.ts";

/** A server whose heartbeat has these counts, `second` seconds after the first one. */
function told(
  pid: number,
  second: number,
  outcomes: Record<string, number>,
  tookMs: number[] = [],
): SeenProcess {
  const latency = Array.from({ length: LATENCY_BUCKETS }, () => 0);
  for (const ms of tookMs) latency[latencyBucket(ms)] = (latency[latencyBucket(ms)] ?? 0) + 1;
  return seenProcess(pid, {
    seenAt: new Date(NOW_MS + second * 1_000),
    campaigns: [{ campaignId: "c", outcomes, latency }],
  });
}

describe("traffic", () => {
  it("of counts that rise it makes rates, by outcome, most frequent first", () => {
    const window = createTrafficWindow("c");
    window.read([told(1, 0, { issued: 10, sold_out: 100 })]);
    expect(window.now().answersPerSecond).to.equal(0);
    window.read([told(1, 2, { issued: 30, sold_out: 600, replayed: 4 })]);
    expect(window.now()).to.deep.include({
      answersPerSecond: 262,
      outcomes: [
        { outcome: "sold_out", perSecond: 250, total: 600 },
        { outcome: "issued", perSecond: 10, total: 30 },
        { outcome: "replayed", perSecond: 2, total: 4 },
      ],
    });
  });

  it("adds up all servers, each at its own pace, and a reading that was seen before changes nothing", () => {
    const window = createTrafficWindow("c");
    const first = told(1, 0, { issued: 0 });
    window.read([first, told(2, 0.5, { issued: 100 })]);
    window.read([told(1, 1, { issued: 50 }), told(2, 0.5, { issued: 100 })]);
    window.read([told(1, 1, { issued: 50 }), told(2, 1.5, { issued: 130 })]);
    window.read([told(1, 1, { issued: 50 }), told(2, 1.5, { issued: 130 })]);
    expect(window.now().outcomes).to.deep.equal([{ outcome: "issued", perSecond: 80, total: 180 }]);
  });

  it("a server that is new, was restarted or has left never makes a negative rate", () => {
    const window = createTrafficWindow("c");
    window.read([told(1, 0, { issued: 500 })]);
    window.read([told(1, 1, { issued: 600 }), told(2, 1, { issued: 5 })]);
    expect(window.now().answersPerSecond).to.equal(100);
    window.read([told(2, 2, { issued: 9 })]);
    expect(window.now()).to.deep.include({
      answersPerSecond: 4,
      outcomes: [{ outcome: "issued", perSecond: 4, total: 9 }],
    });
  });

  it("who is silent answers nobody, but what it answered counts", () => {
    const window = createTrafficWindow("c");
    window.read([told(1, 0, { issued: 0 })]);
    window.read([told(1, 1, { issued: 100 })]);
    window.read([{ ...told(1, 1, { issued: 100 }), ageMs: 3_000 }]);
    expect(window.now().outcomes).to.deep.equal([{ outcome: "issued", perSecond: 0, total: 100 }]);
  });

  it("its quantiles are of the last five seconds, and right to within a fifth", () => {
    const window = createTrafficWindow("c");
    const slow = Array.from({ length: 100 }, () => 400);
    const fast = Array.from({ length: 98 }, () => 2);
    window.read([told(1, 0, {}, slow)]);
    window.read([told(1, 1, {}, [...slow, ...fast, 50, 50])]);
    const { p50Ms = 0, p99Ms = 0 } = window.now();
    expect(p50Ms).to.be.within(1.6, 2.4);
    expect(p99Ms).to.be.within(40, 60);
    // All these answers are older than five seconds.
    for (let second = 2; second < 9; second++) window.read([told(1, second, {}, [...slow, ...fast, 50, 50])]);
    expect(window.now()).to.deep.include({ p50Ms: undefined, p99Ms: undefined });
  });

  it("a campaign of which a busy server does not tell is not taken for a quiet one", () => {
    const window = createTrafficWindow("c");
    const others = Array.from({ length: 20 }, (_, i) => ({ campaignId: `o${i}`, outcomes: {}, latency: [] }));
    window.read([told(1, 0, { issued: 0 })]);
    window.read([told(1, 1, { issued: 100 })]);
    window.read([{ ...told(1, 2, {}), campaigns: others }]);
    window.read([told(1, 3, { issued: 300 })]);
    window.read([told(1, 4, { issued: 310 })]);
    expect(window.now().outcomes).to.deep.equal([{ outcome: "issued", perSecond: 10, total: 310 }]);
  });
});
