import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import {
  askedAgain,
  blockingOf,
  type Figures,
  figuresOf,
  layoutShiftOf,
  plainTexts,
} from "../../bench/paint/figures.ts";
import { PROFILES } from "../../bench/paint/profiles.ts";
import { faultsOf, medianOf, tableOf } from "../../bench/paint/report.ts";
import { visit } from "../../bench/paint/visit.ts";
import { withBrowser } from "../support/browser.ts";

const GOOD: Figures = {
  ...{ firstPaintMs: 900, firstContentfulPaintMs: 1_000, largestContentfulPaintMs: 1_500 },
  ...{ layoutShift: 0.01, blockingMs: 20, bytes: 45_678, requests: 4 },
};

describe("bench: what a visit's figures are", () => {
  it("the layout shift is that of the worst window: shifts within a second of each other, five seconds at most", () => {
    const at = (...shifts: (readonly [atMs: number, value: number])[]) =>
      layoutShiftOf(shifts.map(([atMs, value]) => ({ atMs, value })));
    expect(at()).to.equal(0);
    expect(at([100, 0.25], [900, 0.25], [3_000, 0.375])).to.equal(0.5);
    expect(at([3_000, 0.375], [100, 0.25], [900, 0.25])).to.equal(0.5);
    // One a tenth of a second before the last for six seconds: the window ends after five.
    const steady = Array.from({ length: 8 }, (_, i) => [i * 900, 0.125] as const);
    expect(at(...steady)).to.equal(6 * 0.125);
  });

  it("what blocks is beyond 50 ms of a task, and after the first contentful paint", () => {
    const blocking = (...tasks: (readonly [atMs: number, lengthMs: number])[]) =>
      blockingOf({
        firstContentfulPaintMs: 1_000,
        longTasks: tasks.map(([atMs, lengthMs]) => ({ atMs, lengthMs })),
      });
    expect(blocking([100, 400])).to.equal(0);
    expect(blocking([900, 200])).to.equal(50);
    expect(blocking([1_200, 60], [2_000, 150])).to.equal(110);
  });

  it("bytes and requests are those of the network; what a service should have done better is named", () => {
    const loaded = [
      { path: "/launch/ID", bytes: 2_000, isPlainText: true },
      { path: "/launch/assets/index.js", bytes: 30_000, isPlainText: false },
      { path: "/launch/assets/style.css", bytes: 2_001, isPlainText: true },
      { path: "/launch/assets/icon.svg", bytes: 0, isPlainText: false },
    ];
    const observed = {
      ...GOOD,
      shifts: [{ atMs: 1, value: 0.25 }],
      longTasks: [{ atMs: 2_000, lengthMs: 80 }],
    };
    expect(figuresOf(observed, loaded)).to.deep.equal({
      ...{ firstPaintMs: 900, firstContentfulPaintMs: 1_000, largestContentfulPaintMs: 1_500 },
      ...{ layoutShift: 0.25, blockingMs: 30, bytes: 34_001, requests: 3 },
    });
    expect(plainTexts(loaded)).to.deep.equal(["/launch/assets/style.css came uncompressed: 2001 bytes"]);
    expect(askedAgain(loaded)).to.deep.equal(
      [["index.js", 30_000] as const, ["style.css", 2_001] as const].map(
        ([name, bytes]) =>
          `/launch/assets/${name} was loaded again, although the browser had it: ${bytes} bytes`,
      ),
    );
  });

  it("medians, a table, and what is worse than good, where it is not known too", () => {
    const slow = { ...GOOD, firstContentfulPaintMs: 3_000, layoutShift: 0.2 };
    expect(medianOf([GOOD, slow, slow])).to.include({ firstContentfulPaintMs: 3_000, bytes: 45_678 });
    const all = (each: number): Figures => ({
      ...{ firstPaintMs: each, firstContentfulPaintMs: each + 1, largestContentfulPaintMs: each + 2 },
      ...{ layoutShift: each + 3, blockingMs: each + 4, bytes: each + 5, requests: each + 6 },
    });
    expect(medianOf([all(70), all(10), all(40)])).to.deep.equal(all(40));
    const { good } = PROFILES.phone;
    expect(faultsOf({ name: "x", figures: GOOD, good })).to.deep.equal([]);
    expect(faultsOf({ name: "x", figures: slow, good })).to.deep.equal([
      "x: first contentful paint 3,000 ms, good is at most 1800",
      "x: layout shift 0.200, good is at most 0.1",
    ]);
    const unknown = { ...GOOD, largestContentfulPaintMs: Number.NaN };
    expect(faultsOf({ name: "x", figures: unknown, good })).to.have.length(1);
    expect(tableOf([{ name: "x", figures: GOOD, good }]).at(-1)).to.equal(
      "| x | 900 ms | 1,000 ms | 1,500 ms | 0.010 | 20 ms | 45.7 kB | 4 |",
    );
    const still = { name: "x", figures: { ...GOOD, layoutShift: 0 }, good };
    expect(tableOf([still]).at(-1)).to.include("| 1,500 ms | 0 | 20 ms |");
  });
});

const FILLING = "/* a text that compresses well */\n".repeat(2_000);
const BLOCK_MS = 300;
/** Moves the text by its own height while nobody touches anything, and works for a while. */
const SCRIPT = `
setTimeout(() => document.body.prepend(Object.assign(document.createElement("div"), { style: "height: 300px" })), 200);
setTimeout(() => {
  const end = performance.now() + ${BLOCK_MS};
  while (performance.now() < end);
  document.body.append(Object.assign(document.createElement("i"), { id: "ready", textContent: "ready" }));
}, 400);
`;
const HTML = `<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/plain.css">
<script src="/assets/coded.js" defer></script><h1 style="height: 300px">A heading</h1>`;

describe("bench: a visit in Chromium", () => {
  const browser = withBrowser();
  let server: Server;
  let url: string;

  before(async () => {
    const coded = gzipSync(SCRIPT + FILLING);
    server = createServer(({ url: path }, response) => {
      if (path === "/assets/plain.css")
        return void response
          .writeHead(200, { "content-type": "text/css", "cache-control": "no-store" })
          .end(FILLING);
      if (path === "/assets/coded.js")
        return void response
          .writeHead(200, {
            ...{ "content-type": "text/javascript", "content-encoding": "gzip" },
            "cache-control": "public, max-age=31536000, immutable",
          })
          .end(coded);
      response.writeHead(200, { "content-type": "text/html" }).end(HTML);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const QUICK = { slowdown: 1, latencyMs: 0, downBitsPerSecond: 1e9, upBitsPerSecond: 1e9 };

  it("measures paints, shifts, long tasks and bytes, with an empty cache and with what was left there", async () => {
    const { context } = await browser.open({ viewport: { width: 800, height: 900 } });
    const first = await visit(context, { url, ready: "#ready", profile: QUICK });
    const cold = figuresOf(first.observed, first.loaded);
    expect(cold.firstContentfulPaintMs).to.be.above(0);
    expect(cold.firstPaintMs).to.be.at.most(cold.firstContentfulPaintMs);
    expect(cold.largestContentfulPaintMs).to.be.at.least(cold.firstContentfulPaintMs);
    // The heading takes a third of the screen, and moves by a third of its height.
    expect(cold.layoutShift).to.be.above(0.1);
    expect(cold.blockingMs).to.be.at.least(BLOCK_MS - 50);
    expect(cold.requests).to.equal(3);
    expect(cold.bytes).to.be.within(FILLING.length, FILLING.length + 8_000);
    expect(plainTexts(first.loaded)).to.match(/^\/assets\/plain\.css came uncompressed: \d+ bytes$/);
    const second = await visit(context, { url, ready: "#ready", profile: QUICK });
    expect(askedAgain(second.loaded)).to.match(/^\/assets\/plain\.css was loaded again/);
    expect(figuresOf(second.observed, second.loaded).requests).to.equal(2);
  });

  it("emulates the latency, the rate and the processor of a profile", async () => {
    const { context } = await browser.open();
    const latencyMs = 700;
    // 64 kB at a megabit a second take half a second.
    const profile = { slowdown: 4, latencyMs, downBitsPerSecond: 1e6, upBitsPerSecond: 1e6 };
    const { observed } = await visit(context, { url, ready: "#ready", profile });
    // One for the page, one for its style.
    const wireMs = 2 * latencyMs + (FILLING.length * 8) / 1_000;
    expect(observed.firstContentfulPaintMs).to.be.at.least(wireMs * 0.9);
  });
});
