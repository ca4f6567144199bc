import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { repositoryDir } from "../../../local/repository.ts";
import { OBSERVABILITY_DIR, shippedAlerts } from "../../deploy/observability/shipped.ts";
import type { AlertRound } from "./alerts/alert-round.ts";
import { chosenRounds, uncovered } from "./alerts/coverage.ts";
import { type Firing, judgeFirings, wordsOf } from "./alerts/firings.ts";
import { alertCatalogue } from "./alerts/rounds/catalogue.ts";
import { msOf, shortenIntervals, shortenRules } from "./alerts/shortened.ts";

const round = (name: string, ...alerts: [string, ...string[]]): AlertRound => ({
  ...{ name, alerts },
  strike: () => Promise.reject(new Error("is not held")),
});

describe("chaos --alerts: rounds", () => {
  it("each alert that is shipped has a round that fires it, and each round fires alerts that are shipped", () => {
    const shipped = shippedAlerts().map(({ alert }) => alert);
    expect(uncovered(shipped, alertCatalogue)).to.deep.equal({ withoutRound: [], unknown: [] });
    const names = alertCatalogue.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(alertCatalogue.filter(({ isHealthy }) => isHealthy === true)).to.have.length(1);
  });

  it("an alert without a round, and a round of an alert that is gone, are told", () => {
    const rounds = [round("one", "A", "B"), { ...round("two", "B"), also: ["Gone"] }];
    expect(uncovered(["A", "B", "New"], rounds)).to.deep.equal({ withoutRound: ["New"], unknown: ["Gone"] });
    expect(uncovered(["B"], rounds)).to.deep.equal({ withoutRound: [], unknown: ["A", "Gone"] });
  });

  it("--only takes the name of an alert, with all of its rounds, or of a round", () => {
    const rounds = [round("one", "A", "B"), round("two", "B"), round("three", "C")];
    const named = (...only: string[]) => chosenRounds(rounds, only).map(({ name }) => name);
    expect(named()).to.deep.equal(["one", "two", "three"]);
    expect(named("B")).to.deep.equal(["one", "two"]);
    expect(named("two", "C")).to.deep.equal(["two", "three"]);
    expect(() => named("A", "D")).to.throw('"D" is no alert and no round');
  });
});

describe("chaos --alerts: the derived copy of the rules", () => {
  const shipped = readFileSync(join(OBSERVABILITY_DIR, "alerts.yml"), "utf8");
  type Rule = { alert: string; expr: string; for: string };
  const rulesIn = (text: string) =>
    (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((g) => g.rules);

  it("waits for a fifth of the time, and is the same in all else", () => {
    const { shortened, changes } = shortenRules(shipped, 5);
    expect(changes).to.deep.equal(["for 5s → 1s", "for 15s → 3s", "for 30s → 6s", "for 60s → 12s"]);
    const [before, after] = [rulesIn(shipped), rulesIn(shortened)];
    expect(after.map((rule, i) => ({ ...rule, for: before[i]?.for }))).to.deep.equal(before);
    for (const [i, rule] of before.entries())
      expect(msOf(after[i]?.for ?? ""), rule.alert).to.equal(msOf(rule.for) / 5);
  });

  it("changes no line but those of `for`", () => {
    const text = 'a: "for: 5s"\n  for: 5s\n  expr: x[5m] > 10 # for: 5s\n    for: 1m\n    for: 0s\n';
    expect(shortenRules(text, 10)).to.deep.equal({
      shortened: 'a: "for: 5s"\n  for: 500ms\n  expr: x[5m] > 10 # for: 5s\n    for: 6s\n    for: 0s\n',
      changes: ["for 5s → 500ms", "for 1m → 6s"],
    });
  });

  it("the intervals are those of deploy/prometheus.yml, where rules are evaluated as often as is scraped", () => {
    const configuration = readFileSync(join(repositoryDir, "deploy", "prometheus.yml"), "utf8");
    expect(shortenIntervals(configuration, 5)).to.deep.equal({
      shortened: { scrapeInterval: "1s", evaluationInterval: "1s" },
      changes: ["scrape_interval 5s → 1s", "evaluation_interval 5s → 1s"],
    });
    expect(shortenIntervals("global:\n  scrape_interval: 15s\n", 5).shortened).to.deep.equal({
      ...{ scrapeInterval: "3s", evaluationInterval: "12s" },
    });
  });
});

describe("chaos --alerts: the judge", () => {
  const EVERY_MS = 1_000;
  const MARKS = { struckAtMs: 10_000, endedAtMs: 20_000, resolvedAtMs: 24_000 };
  const EXPECTED = [{ alert: "Down", labels: { store: "redis" } }];
  const from = (firstS: number, lastS: number) =>
    Array.from({ length: lastS - firstS + 1 }, (_, i) => (firstS + i) * 1_000);
  const down = (atMs: readonly number[], store = "redis"): Firing => ({
    ...{ alert: "Down", labels: { store, severity: "page" }, atMs },
  });
  const judged = (...firings: Firing[]) => judgeFirings(firings, EXPECTED, ["Also"], MARKS, EVERY_MS);

  it("one that fires under the fault and resolves after it is right, also beside one that may fire", () => {
    expect(judged(down(from(13, 22)))).to.deep.equal([]);
    expect(judged(down(from(13, 22)), { alert: "Also", labels: {}, atMs: from(1, 30) })).to.deep.equal([]);
  });

  it("one that never fires, or only with other labels, did not fire", () => {
    expect(judged()).to.deep.equal(["Down{store=redis} did not fire"]);
    expect(judged(down(from(13, 22), "mongodb"))).to.deep.equal([
      "Down{store=redis} did not fire",
      "Down{store=mongodb} fired (3 to 12 s), which this fault is not about",
    ]);
  });

  it("one that fires before the fault, breaks off under it, or comes again is told", () => {
    expect(judged(down(from(9, 22)))).to.deep.equal(["Down{store=redis} fired before the fault"]);
    expect(judged(down([...from(12, 14), ...from(17, 22)]))).to.deep.equal([
      "Down{store=redis} flapped while the fault lasted",
    ]);
    expect(judged(down(from(12, 16))), "it ended before the fault did").to.deep.equal([
      "Down{store=redis} flapped while the fault lasted",
    ]);
    expect(judged(down([...from(12, 22), ...from(25, 26)]))).to.deep.equal([
      "Down{store=redis} fired again after it had resolved",
    ]);
  });

  it("another alert that fires is told, whenever it does", () => {
    for (const [first, told] of [
      [2, "-8 to -7 s"],
      [12, "2 to 3 s"],
      [28, "18 to 19 s"],
    ] as const)
      expect(
        judged(down(from(12, 22)), {
          alert: "Other",
          labels: { job: "coupon" },
          atMs: from(first, first + 1),
        }),
      ).to.deep.equal([`Other fired (${told}), which this fault is not about`]);
  });

  it("an alert is named with the labels that tell its series apart", () => {
    expect(wordsOf({ alert: "A", labels: { severity: "page", instance: "x", job: "coupon" } })).to.equal(
      "A{instance=x}",
    );
    expect(wordsOf({ alert: "A" })).to.equal("A");
  });
});
