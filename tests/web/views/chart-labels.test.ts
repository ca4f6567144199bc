import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { repositoryDir } from "../../../local/repository.ts";
import { withBrowser } from "../../support/browser.ts";

const MAIN = `
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { render } from "preact";
import { GetCampaignStatsResponseSchema } from "./proto/gen/coupon/v1/stats_pb.ts";
import { LanguageProvider } from "./web/console/i18n/language.tsx";
import { TrafficCharts } from "./web/console/views/live/traffic-charts.tsx";
import { SaleChart } from "./web/console/views/stats/sale-chart.tsx";

window.draw = ({ points, marks, stats }) => {
  const answer = create(GetCampaignStatsResponseSchema, {
    ...stats,
    firstBucketMs: BigInt(stats.firstBucketMs),
    peakAt: timestampFromMs(0),
  });
  render(
    <LanguageProvider>
      <main><div class="card">
        <TrafficCharts points={points} marks={marks} pauses={[]} />
        <SaleChart answer={answer} />
      </div></main>
    </LanguageProvider>,
    document.getElementById("app"),
  );
};
`;

/** Notes what a canvas shows: each text with the pixels that it covers, since the canvas was last cleared. */
const NOTE_TEXTS = `(() => {
  window.shown = new Map();
  const prototype = CanvasRenderingContext2D.prototype;
  const { clearRect, fillText } = prototype;
  prototype.clearRect = function (...area) {
    window.shown.set(this.canvas, []);
    return clearRect.apply(this, area);
  };
  prototype.fillText = function (text, x, y) {
    const { actualBoundingBoxLeft, actualBoundingBoxRight, actualBoundingBoxAscent, actualBoundingBoxDescent } =
      this.measureText(text);
    const matrix = this.getTransform();
    const from = matrix.transformPoint({ x: x - actualBoundingBoxLeft, y: y - actualBoundingBoxAscent });
    const to = matrix.transformPoint({ x: x + actualBoundingBoxRight, y: y + actualBoundingBoxDescent });
    if (text !== "") window.shown.get(this.canvas)?.push({ text, left: from.x, top: from.y, right: to.x, bottom: to.y });
    return fillText.call(this, text, x, y);
  };
})()`;

type Shown = { text: string; left: number; top: number; right: number; bottom: number };
type Chart = { width: number; height: number; isWhole: boolean; texts: Shown[] };

/** The charts in the page: how large, whether they are within their places, and their texts. */
const CHARTS = `[...document.querySelectorAll(".chart canvas")].map((canvas) => {
  const place = canvas.closest(".chart-canvas").getBoundingClientRect();
  const box = canvas.getBoundingClientRect();
  return {
    width: canvas.width,
    height: canvas.height,
    isWhole: box.left >= place.left && box.right <= place.right + 0.5 && place.right <= innerWidth,
    texts: window.shown.get(canvas) ?? [],
  };
})`;

const START_MS = Date.UTC(2026, 11, 24, 11, 0, 0);
/** A sale of so many a second, with latencies that grow with it, and instants close to each other. */
function saleOf(perSecond: number) {
  const points = Array.from({ length: 120 }, (_, second) => ({
    atMs: START_MS + second * 1_000,
    issuedPerSecond: perSecond * (0.5 + second / 240),
    refusedPerSecond: perSecond / 3,
    p50Ms: perSecond / 100,
    p99Ms: perSecond / 10,
  }));
  const at = (second: number, kind: string) => ({ atMs: START_MS + second * 1_000, kind });
  const marks = [at(0, "start"), at(4, "opened"), at(112, "sold-out"), at(117, "end"), at(119, "cancelled")];
  const issuedPerBucket = Array.from({ length: 40 }, (_, bucket) => Math.round(perSecond / (1 + bucket)));
  return { points, marks, issuedPerBucket };
}

const SALES = {
  "a few coupons": { ...saleOf(7), bucketMs: 10, firstBucketMs: 3 },
  "millions a second": { ...saleOf(8_765_432), bucketMs: 1_000, firstBucketMs: 0 },
  "a long sale that began days late": { ...saleOf(123_456), bucketMs: 60_000, firstBucketMs: 200_000_000 },
} as const;

describe("console: the texts of the charts", () => {
  const browser = withBrowser();
  let script: string;
  let style: string;

  before(async () => {
    const { outputFiles } = await build({
      stdin: { contents: MAIN, loader: "tsx", resolveDir: repositoryDir },
      bundle: true,
      format: "iife",
      write: false,
      outdir: repositoryDir,
      jsx: "automatic",
      jsxImportSource: "preact",
      logLevel: "silent",
    });
    const of = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
    script = of(".js");
    const own = ["base", "controls", "parts", "campaign", "views"].map((name) =>
      readFile(join(repositoryDir, "web", "console", "styles", `${name}.css`), "utf8"),
    );
    style = [of(".css"), ...(await Promise.all(own))].join("\n");
  });

  async function opened(locale: string, deviceScaleFactor: number, width: number): Promise<Page> {
    const { page, troubles } = await browser.open({
      ...{ locale, deviceScaleFactor, timezoneId: "Asia/Seoul" },
      viewport: { width, height: 740 },
    });
    await page.setContent('<!doctype html><meta charset="utf-8"><div id="app"></div>');
    await page.addStyleTag({ content: style });
    await page.evaluate(NOTE_TEXTS);
    await page.addScriptTag({ content: script });
    expect(troubles).to.deep.equal([]);
    return page;
  }

  for (const locale of ["en-GB", "ko-KR"])
    for (const [deviceScaleFactor, width] of [
      [3, 360],
      [1, 360],
      [1, 1_280],
    ] as const)
      it(`${locale}, ${width} px at ${deviceScaleFactor}: none is cut, and none lies over another`, async () => {
        const page = await opened(locale, deviceScaleFactor, width);
        for (const [name, { points, marks, ...stats }] of Object.entries(SALES)) {
          await page.evaluate(`window.draw(${JSON.stringify({ points, marks, stats })})`);
          await page.evaluate(
            "new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))",
          );
          const charts = (await page.evaluate(CHARTS)) as Chart[];
          expect(charts, name).to.have.length(3);
          for (const [at, chart] of charts.entries()) {
            const where = `${name}, chart ${at + 1}`;
            expect(chart.isWhole, `${where} is within its place`).to.equal(true);
            expect(chart.texts.length, `${where}: texts`).to.be.at.least(6);
            expect(cutOf(chart), `${where}: cut`).to.deep.equal([]);
            expect(overlapsOf(chart), `${where}: over each other`).to.deep.equal([]);
          }
          const times = charts[0]?.texts.filter(({ text }) => /^\d\d:\d\d:\d\d$/.test(text)) ?? [];
          expect(times.length).to.be.at.least(2);
          const round = width === 360 ? /:(00|30)$/ : /[05]$/;
          for (const { text } of times) expect(text, "a round time").to.match(round);
        }
        const told = ((await page.evaluate(CHARTS)) as Chart[]).flatMap(({ texts }) => texts);
        expect(told.map(({ text }) => text)).to.include(locale === "ko-KR" ? "소진" : "Sold out");
      });
});

/** Texts that reach beyond the canvas; half a pixel is the smoothing of an edge. */
function cutOf({ width, height, texts }: Chart): string[] {
  return texts
    .filter(
      ({ left, top, right, bottom }) =>
        left < -0.5 || top < -0.5 || right > width + 0.5 || bottom > height + 0.5,
    )
    .map(({ text, left, right }) => `${text}: ${left.toFixed(1)} to ${right.toFixed(1)} of ${width}`);
}

function overlapsOf({ texts }: Chart): string[] {
  return texts.flatMap((one, i) =>
    texts
      .slice(i + 1)
      .filter(
        (other) =>
          one.left < other.right &&
          other.left < one.right &&
          one.top < other.bottom &&
          other.top < one.bottom,
      )
      .map((other) => `${one.text} and ${other.text}`),
  );
}
