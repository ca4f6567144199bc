import { expect } from "chai";
import fc from "fast-check";
import { runChecks } from "../../audit/checks.ts";
import { readOptions } from "../../bench/demo/options.ts";
import { bar, columnHeads, paintFor, secondLine, sparkline } from "../../bench/demo/picture.ts";
import { finalLine, judge } from "../../bench/demo/result.ts";
import { createReleases, orAborted } from "../../bench/releases.ts";
import { type Arrival, planArrivals, pressingTwice } from "../../callers/arrivals.ts";
import { percentilesOf } from "../../callers/percentiles.ts";
import { createScoreboard } from "../../callers/scoreboard.ts";
import { type Books, healthyBooks, STARTS_AT_MS, snapshotOf } from "../support/written-books.ts";

const DEFAULTS = { users: 10_000, ratePerSecond: 1_000, secondsBefore: 3, seed: 42 };

function pressesOf(arrivals: readonly Arrival[]): Map<string, Arrival[]> {
  const presses = new Map<string, Arrival[]>();
  for (const arrival of arrivals)
    presses.set(arrival.userId, [...(presses.get(arrival.userId) ?? []), arrival]);
  return presses;
}

describe("the demo's arrivals", () => {
  it("are 15,000 presses in 15 seconds, 3,000 of them before the opening and made again after it", () => {
    const arrivals = planArrivals(DEFAULTS);
    expect(arrivals).to.have.length(15_000);
    expect(arrivals[0]?.offsetMs).to.equal(-3_000);
    expect(arrivals.at(-1)?.offsetMs).to.equal(11_999);
    const presses = pressesOf(arrivals);
    expect(presses.size).to.equal(10_000);
    expect([...presses.values()].filter((own) => own.length === 2)).to.have.length(5_000);
    const early = arrivals.filter((arrival) => arrival.offsetMs < 0);
    expect(early).to.have.length(3_000);
    for (const { userId } of early) expect(presses.get(userId)?.[1]?.offsetMs).to.be.at.least(0);
    const gaps = [...presses.values()].flatMap(([a, b]) => (a && b ? [b.offsetMs - a.offsetMs] : []));
    expect(gaps.filter((gap) => gap < 20).length, "double clicks").to.be.greaterThan(100);
    const afterSellOut = arrivals.filter((arrival) => arrival.isSecond && arrival.offsetMs > 8_000);
    expect(afterSellOut.length, "second presses after the sell-out").to.be.greaterThan(500);
  });

  it("are the same for the same seed and others for another", () => {
    expect(planArrivals(DEFAULTS)).to.deep.equal(planArrivals(DEFAULTS));
    expect(planArrivals(DEFAULTS)).not.to.deep.equal(planArrivals({ ...DEFAULTS, seed: 43 }));
  });

  it("keep their rules for any numbers", () => {
    const plans = fc.record({
      users: fc.integer({ min: 1, max: 300 }),
      ratePerSecond: fc.integer({ min: 1, max: 500 }),
      secondsBefore: fc.integer({ min: 0, max: 5 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(plans, (plan) => {
        const arrivals = planArrivals(plan);
        expect(arrivals).to.have.length(plan.users + pressingTwice(plan.users));
        const early = arrivals.filter(({ offsetMs }) => offsetMs < 0);
        const earlySpacingMs = (plan.secondsBefore * 1_000) / early.length;
        // For any plan, the first press comes `secondsBefore` before the start, and presses come no faster
        // than the rate.
        if (plan.secondsBefore > 0) expect(early[0]?.offsetMs).to.equal(-plan.secondsBefore * 1_000);
        expect(early.length).to.be.at.most(plan.ratePerSecond * plan.secondsBefore);
        early.forEach(({ offsetMs }, k) => {
          expect(offsetMs).to.be.closeTo(-plan.secondsBefore * 1_000 + k * earlySpacingMs, 1e-6);
        });
        arrivals.slice(early.length).forEach(({ offsetMs }, k) => {
          expect(offsetMs).to.be.closeTo((k * 1_000) / plan.ratePerSecond, 1e-6);
        });
        for (const own of pressesOf(arrivals).values()) {
          expect(own.map((press) => press.isSecond)).to.deep.equal(
            own.length === 2 ? [false, true] : [false],
          );
          if ((own[0]?.offsetMs ?? 0) < 0) expect(own[1]?.offsetMs).to.be.at.least(0);
        }
      }),
    );
  });
});

describe("the demo's verdict", () => {
  const latency = percentilesOf([1, 2, 3.4]);
  const ending = (books: Books, change: object = {}) => ({
    report: {
      ...{ campaign: books.campaign, issued: books.issuances.length, live: false, readings: 1 },
      verdicts: runChecks(snapshotOf(books), books.history),
    },
    history: books.history,
    expectedIssued: books.campaign.total,
    unanswered: 0,
    atRest: true,
    latency,
    ...change,
  });

  it("is one line of the agreed form", () => {
    const result = judge(ending(healthyBooks({ total: 10, issued: 10 })));
    expect(finalLine(result)).to.equal(
      "demo: PASS issued=10/10 duplicates=0 early=0 lost=0 replays_same=10 first_after_start_ms=1 p50_ms=2 p99_ms=3",
    );
  });

  it("names what is violated", () => {
    const books = healthyBooks({ total: 10, issued: 10 });
    books.issuances.pop();
    const line = finalLine(judge(ending(books)));
    expect(line).to.match(/^demo: FAIL issued=9\/10 duplicates=0 early=0 lost=1 .* violations=U2,U5,U6,U7$/);
  });

  it("fails without a violation where presses stayed unanswered, nothing came to rest, or a certificate is refused", () => {
    const books = healthyBooks({ total: 10, issued: 10 });
    for (const change of [
      { unanswered: 1 },
      { atRest: false },
      { expectedIssued: 9 },
      { trouble: "REFUSED" },
    ]) {
      const result = judge(ending(books, change));
      expect(result.pass).to.equal(false);
      expect(result.reasons).to.have.length(1);
      expect(finalLine(result)).to.match(/^demo: FAIL .* violations=none$/);
    }
  });

  it("says none where nothing was issued", () => {
    const books = healthyBooks({ total: 10, issued: 0 });
    expect(finalLine(judge(ending(books, { latency: percentilesOf([]) })))).to.contain(
      "first_after_start_ms=none p50_ms=none p99_ms=none",
    );
  });
});

describe("the demo's picture", () => {
  const plain = paintFor({}, {});

  it("counts by the second of the answer", () => {
    const scoreboard = createScoreboard(STARTS_AT_MS);
    const { history } = healthyBooks({ total: 10, issued: 10 });
    for (const entry of history) scoreboard.onEntry(entry);
    expect(scoreboard.second(-1)).to.include({ notStarted: 1, issued: 0, issuedSoFar: 0 });
    expect(scoreboard.second(0)).to.include({
      issued: 10,
      issuedSoFar: 10,
      again: 10,
      soldOut: 3,
      unclear: 0,
    });
    expect(scoreboard.lastSecond()).to.equal(0);
    const outcome = { kind: "unknown", message: "reset" } as const;
    scoreboard.onPress({ outcome, tries: 2, answeredAtMs: STARTS_AT_MS + 900 }, 5, 895);
    scoreboard.onPress({ outcome, tries: 2, answeredAtMs: STARTS_AT_MS - 900 }, -950, 50);
    expect(scoreboard.unanswered()).to.equal(2);
    expect(scoreboard.latencyAfterStart().count).to.equal(1);
    expect(scoreboard.second(0).latencyMs.at(50)).to.equal(895);
  });

  it("keeps its columns in line, without colour unless a terminal wants it", () => {
    const scoreboard = createScoreboard(STARTS_AT_MS);
    for (const entry of healthyBooks({ total: 10, issued: 10 }).history) scoreboard.onEntry(entry);
    const widths = [-1, 0, 1].map((second) => [...secondLine(scoreboard.second(second), 10, plain)].length);
    expect(new Set([...widths, columnHeads().length]).size).to.equal(1);
    expect(secondLine(scoreboard.second(0), 10, plain)).not.to.contain("\u001b");
    expect(paintFor({ isTTY: true }, {}).bold("x")).to.contain("\u001b");
    expect(paintFor({ isTTY: true }, { NO_COLOR: "1" }).bold("x")).to.equal("x");
    expect(paintFor({ isTTY: true }, { TERM: "dumb" }).bold("x")).to.equal("x");
  });

  it("draws bars of one width and sparklines", () => {
    for (let part = 0; part <= 100; part += 1) expect([...bar(part, 100)]).to.have.length(24);
    expect(bar(100, 100)).to.equal("█".repeat(24));
    expect(sparkline([0, 5, 10])).to.equal("▁▅█");
  });
});

describe("the demo's flags", () => {
  it("are checked, each in one line", () => {
    expect(readOptions([])).to.include({
      total: 5_000,
      users: 10_000,
      ratePerSecond: 1_000,
      secondsBefore: 3,
    });
    expect(readOptions(["--seed", "7", "--keep", "--json"])).to.include({ seed: 7, keep: true, json: true });
    for (const args of [
      ["--total", "0"],
      ["--users", "x"],
      ["--rate", ""],
      ["--client", "curl"],
      ["--what"],
      ["stray"],
    ]) {
      expect(() => readOptions(args), args.join(" ")).to.throw(Error);
    }
  });
});

describe("giving back", () => {
  it("releases in reverse, once, and goes on after a failure", async () => {
    const releases = createReleases();
    const order: string[] = [];
    releases.add("one", () => order.push("one"));
    releases.add("two", () => {
      throw new Error("stuck");
    });
    releases.add("three", async () => order.push("three"));
    expect(await releases.all()).to.deep.equal(["two: stuck"]);
    expect(await releases.all()).to.deep.equal(["two: stuck"]);
    expect(order).to.deep.equal(["three", "one"]);
  });

  it("stops waiting when it is told to", async () => {
    const controller = new AbortController();
    const waiting = orAborted(new Promise<never>(() => {}), controller.signal).catch(
      (error: unknown) => error,
    );
    const reason = new Error("Ctrl-C");
    controller.abort(reason);
    expect(await waiting).to.equal(reason);
    expect(await orAborted(Promise.resolve(1), controller.signal).catch((error: unknown) => error)).to.equal(
      reason,
    );
    expect(await orAborted(Promise.resolve(1), new AbortController().signal)).to.equal(1);
  });
});
