import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { drawCharts, MEASURED_FILE, redrawn } from "../../bench/charts/draw.ts";
import { type Chart, svgOf } from "../../bench/charts/svg.ts";
import { type BenchResult, readResults, writeResult } from "../../bench/rates/results.ts";
import { Trouble } from "../../bench/trouble.ts";
import { ticksFor } from "../../cli/svg.ts";
import { repositoryDir } from "../../local/repository.ts";

const chart: Chart = {
  ...{
    title: "Latency <of> a & b",
    note: "2 cores, 2026-01-01",
    kind: "bars",
    unit: "ms",
    placesAre: "percentile",
  },
  places: ["p50", "p99"],
  series: [
    { name: "one", values: [1, 10] },
    { name: "two", values: [2, 5] },
  ],
};

const result = (at: string, curve: string, values: number[]): BenchResult => ({
  at,
  machine: { cores: 2, processor: "AMD EPYC Processor", memoryGiB: 24, node: "v20.20.0", loadAverage: 1 },
  efforts: { [curve]: { rounds: 1, seconds: 1 } },
  figures: [],
  curves: [{ name: curve, unit: "ms", places: values.map(String), series: [{ name: "s", values }] }],
});

describe("bench: charts", () => {
  it("ticks are round, begin at 0, and the last one is not below the largest value", () => {
    expect(ticksFor(10)).to.deep.equal([0, 2, 4, 6, 8, 10]);
    expect(ticksFor(44_900)).to.deep.equal([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
    expect(ticksFor(0.3)).to.deep.equal([0, 0.1, 0.2, 0.3]);
    for (const most of [0, 0.07, 1, 3, 17.3, 999, 1e6]) {
      const ticks = ticksFor(most);
      expect(ticks[0]).to.equal(0);
      expect(ticks.at(-1)).to.be.at.least(most);
      expect(ticks.length).to.be.within(2, 7);
    }
  });

  it("has title, note, unit, places and names in words, escaped", () => {
    const svg = svgOf(chart);
    for (const words of [
      "Latency &lt;of&gt; a &amp; b",
      "2 cores, 2026-01-01",
      ">ms<",
      ">p50<",
      ">p99<",
      ">one<",
      ">two<",
    ])
      expect(svg).to.include(words);
    expect(svg).to.not.include("<of>");
    expect(svg).to.include("prefers-color-scheme:dark");
  });

  it("bars: one a value, as high as it says", () => {
    const heights = [...svgOf(chart).matchAll(/height="([\d.]+)" fill="#[^"]+"\/>/g)].map(([, height]) =>
      Number(height),
    );
    const ofBars = heights.filter((height) => height !== 12); // 12: the squares of the legend
    expect(ofBars).to.deep.equal([22.2, 222, 44.4, 111]);
  });

  it("lines: a point a value, the largest highest", () => {
    const [points = ""] = [...svgOf({ ...chart, kind: "lines" }).matchAll(/points="([^"]+)"/g)].map(
      ([, p]) => p,
    );
    const heights = points.split(" ").map((point) => Number(point.split(",")[1]));
    expect(heights).to.deep.equal([295.8, 96]);
  });

  it("draws nothing rather than something wrong", () => {
    expect(() => svgOf({ ...chart, places: [] })).to.throw(RangeError);
    expect(() => svgOf({ ...chart, series: [{ name: "one", values: [1] }] })).to.throw(RangeError);
    expect(() => svgOf({ ...chart, series: [{ name: "one", values: [1, Number.NaN] }] })).to.throw(
      RangeError,
    );
  });

  describe("of results", () => {
    let dir: string;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "coupon-charts-"));
    });
    afterEach(() => rmSync(dir, { recursive: true }));

    it("each is drawn of the newest result that has it", () => {
      const results = join(dir, "results");
      writeResult(results, result("2026-01-01T00:00:00.000Z", "pool_sizes", [11]));
      writeResult(results, result("2026-01-02T00:00:00.000Z", "pool_sizes", [22]));
      writeResult(results, result("2026-01-03T00:00:00.000Z", "opening_lateness", [33]));
      expect(readResults(results).map(({ at }) => at.slice(0, 10))).to.deep.equal([
        "2026-01-03",
        "2026-01-02",
        "2026-01-01",
      ]);
      expect(drawCharts(results, join(dir, "charts")).sort()).to.deep.equal([
        "opening-lateness.svg",
        "pool-sizes.svg",
      ]);
      expect(readdirSync(join(dir, "charts"))).to.have.members([
        "opening-lateness.svg",
        "pool-sizes.svg",
        MEASURED_FILE,
      ]);
      const kept = JSON.parse(readFileSync(join(dir, "charts", MEASURED_FILE), "utf8")) as BenchResult[];
      expect(kept.map(({ at }) => at.slice(0, 10))).to.deep.equal(["2026-01-03", "2026-01-02"]);
      const svg = readFileSync(join(dir, "charts", "pool-sizes.svg"), "utf8");
      expect(svg).to.include(">22<").and.to.include("2026-01-02").and.not.to.include(">11<");
    });

    it("one of which nothing was measured since keeps what it was drawn of", () => {
      const [first, second, charts] = ["first", "second", "charts"].map((name) => join(dir, name)) as [
        string,
        string,
        string,
      ];
      writeResult(first, result("2026-01-01T00:00:00.000Z", "pool_sizes", [11]));
      drawCharts(first, charts);
      writeResult(second, result("2026-01-02T00:00:00.000Z", "opening_lateness", [33]));
      drawCharts(second, charts);
      expect([...redrawn(charts).keys()].sort()).to.deep.equal(["opening-lateness.svg", "pool-sizes.svg"]);
    });

    it("those of the documentation are what their measurements say, all of them and no others", () => {
      const charts = join(repositoryDir, "docs", "charts");
      const drawn = redrawn(charts);
      expect(readdirSync(charts)).to.have.members([MEASURED_FILE, ...drawn.keys()]);
      for (const [file, svg] of drawn)
        expect(readFileSync(join(charts, file), "utf8") === svg, file).to.equal(true);
      const words = readFileSync(join(repositoryDir, "docs", "performance.md"), "utf8");
      for (const file of drawn.keys()) expect(words).to.include(`(charts/${file})`);
    });

    it("without any there is nothing to draw, and that is said", () => {
      expect(() => drawCharts(join(dir, "none"), join(dir, "charts"))).to.throw(
        Trouble,
        "npm run bench first",
      );
    });
  });
});
