import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../../../local/poll.ts";
import { type OpenedPage, withBrowser } from "../../support/browser.ts";
import { createCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { runHere } from "../../support/run-here.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

const TOTAL = 60;
/** Text in every place where a name is shown; nothing of it may become markup. */
const NAME = `<img src=x onerror="alert(1)"> & sale`;
const user = (number: number) => `${KEY_PREFIX}${number}`;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

describe("console: the views of a campaign in a browser", () => {
  const stores = withStores();
  const browser = withBrowser();
  let services: Services;
  let service: Service;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
  });
  after(() => services.end());

  async function signedIn(campaignId: string, options = {}, url = service.url): Promise<OpenedPage> {
    const opened = await browser.open({ viewport: { width: 1_280, height: 900 }, ...options });
    await opened.page.goto(`${url}/console#/campaigns/${campaignId}`);
    await opened.page.locator("input[type=password]").fill(OPERATOR_TOKEN);
    await opened.page.keyboard.press("Enter");
    await opened.page.locator("nav.tabs").waitFor();
    return opened;
  }

  const open = (page: Page, tab: string) => page.locator(`nav.tabs a[href$="/${tab}"]`).click();
  const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });

  /** What axe-core finds wrong with the page as it is now. */
  async function violations(page: Page): Promise<string[]> {
    // A policy without inline scripts keeps an added script out; evaluated code is the debugger's.
    await page.evaluate(await readFile(axe, "utf8"));
    const found = await page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html].join(' ')))",
    );
    return found as string[];
  }

  async function fits(page: Page): Promise<void> {
    const [needed, width] = (await page.evaluate(
      "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
    )) as [number, number];
    expect(needed, "nothing is wider than the page").to.be.at.most(width);
  }

  it("follows a sale from preflight to export", async () => {
    const { id } = await createCampaign(clients, {
      ...{ name: NAME, total: TOTAL },
      startsAtMs: Date.now() + 3_600_000,
    });
    await untilState(clients, id, "SCHEDULED");
    const { page, troubles } = await signedIn(id);
    await page.getByRole("heading", { level: 1, name: NAME }).waitFor();

    // Before anything was issued, what needs a coupon is disabled and says why.
    await open(page, "export");
    expect(await button(page, /^Export/).getAttribute("aria-disabled")).to.equal("true");
    expect(await page.locator("#content").innerText()).to.include("No coupon was issued yet.");

    await open(page, "preflight");
    await button(page, "Run the preflight").click();
    await page.locator(".finding").first().waitFor();
    expect(await page.locator(".finding").count()).to.be.above(15);
    expect(await page.locator(".finding-green", { hasText: "The start" }).count()).to.equal(1);
    // The local stack has weak points: what to do is said for each line that is not green.
    const amber = page.locator(".finding-amber, .finding-red");
    expect(await amber.filter({ hasText: "What to do:" }).count()).to.equal(await amber.count());
    expect(await violations(page), "preflight").to.deep.equal([]);

    await open(page, "live");
    await page.locator(".chart canvas").first().waitFor();
    await clients.campaigns.rescheduleCampaign({ campaignId: id, startsAt: timestampFromMs(Date.now()) });
    await untilState(clients, id, "OPEN");
    // Refused callers too, until the page shows both kinds of answers with their rates.
    let next = 0;
    const selling = { on: true };
    const sale = (async () => {
      for (; selling.on || next < TOTAL; next += 1) {
        await clients.coupons.issueCoupon({ campaignId: id, userId: user(next) }).catch(() => undefined);
        await sleep(next < TOTAL - 5 ? 40 : 10);
      }
    })();
    await page.getByText(/Now [1-9][\d,]* issued and/).waitFor();
    await page.getByText(/Highest here: [1-9]/).waitFor();
    await page.getByText(/issued and [1-9][\d,]* refused per second/).waitFor();
    await page.locator(".outcome-good", { hasText: "issued" }).first().waitFor();
    await page.locator(".event-log", { hasText: "Open → Sold out" }).waitFor();
    selling.on = false;
    await sale;
    expect(await page.locator(".health-good, .health-warning").count(), "processes").to.equal(1);
    expect(await page.locator(".chart canvas").count()).to.equal(2);
    expect(await isDrawn(page), "the chart has lines").to.equal(true);
    await page.getByText("The figures as a table").click();
    expect(
      await page
        .getByRole("row")
        .filter({ hasText: /\d\d:\d\d:\d\d/ })
        .count(),
    ).to.be.above(0);
    expect(await violations(page), "live").to.deep.equal([]);

    await untilState(clients, id, "SOLD_OUT");
    await open(page, "verify");
    await button(page, "Verify").click();
    await page.getByText("All that could be checked holds.").waitFor();
    await page.getByText(`${TOTAL} of ${TOTAL} issued.`).waitFor();
    expect(await page.locator(".finding-red").count()).to.equal(0);
    expect(await violations(page), "verify").to.deep.equal([]);

    await open(page, "stats");
    await page.locator(".facts", { hasText: "First coupon" }).waitFor();
    await page.getByLabel("Length of a bar").selectOption({ label: "100 ms" });
    await page.getByText("Coupons in each 100 ms").first().waitFor();
    expect(await page.locator(".facts").innerText()).to.match(/Sold out\s+.* after the start/);
    expect(await isDrawn(page), "the bars are drawn").to.equal(true);
    expect(await violations(page), "stats").to.deep.equal([]);

    await open(page, "look-up");
    const { issuedCodes } = await clients.campaigns.getCampaign({ campaignId: id });
    const code = issuedCodes[0] ?? "";
    await page.getByRole("textbox").fill(` ${code.normalize("NFD")} `);
    await page.keyboard.press("Enter");
    await page.locator(".found-code", { hasText: code }).waitFor();
    expect(await page.locator(".facts").innerText())
      .to.include(user(0))
      .and.include(NAME);
    await page.getByRole("radio", { name: "User id" }).check();
    await page.getByRole("textbox").fill(user(1));
    await page.keyboard.press("Enter");
    await page.locator(".found-code", { hasText: issuedCodes[1] ?? "" }).waitFor();
    await page.getByRole("textbox").fill("nobody");
    await page.keyboard.press("Enter");
    await page.getByText("No coupon of this campaign went to the user “nobody”.").waitFor();
    await page.getByRole("radio", { name: "Request id" }).check();
    expect(await button(page, /^Find/).getAttribute("aria-disabled")).to.equal("true");
    expect(await violations(page), "look-up").to.deep.equal([]);
    // The browser reports each answer "not found" by itself.
    expect(troubles.filter((trouble) => !trouble.includes("404 (Not Found)"))).to.deep.equal([]);
  });

  it("exports the file that coupon export writes, as a download and into a chosen file", async () => {
    const { id } = await createCampaign(clients, { name: NAME, total: TOTAL });
    await untilState(clients, id, "OPEN");
    for (let number = 0; number < TOTAL; number += 1)
      await clients.coupons.issueCoupon({
        campaignId: id,
        userId: number === 3 ? `=${user(3)}` : user(number),
      });
    await untilState(clients, id, "SOLD_OUT");
    const { page, troubles, context } = await signedIn(id, {
      ...{ locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } },
      acceptDownloads: true,
    });
    // Without a person to choose a file, the browser's dialog would stay open.
    await page.evaluate("delete window.showSaveFilePicker");
    await open(page, "export");
    await fits(page);
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, "내보내기").click()]);
    const wanted = async (...flags: string[]) => {
      const { code, stdout } = await runHere(["export", id, ...flags], { url: service.url });
      expect(code).to.equal(0);
      return stdout;
    };
    expect(download.suggestedFilename()).to.equal(`coupons-${id}.csv`);
    const text = await readFile((await download.path()) ?? "", "utf8");
    expect(text).to.equal(await wanted("--format", "csv", "--bom"));
    expect(text.split("\n")).to.have.length(TOTAL + 2);
    expect(text).to.include(`'=${user(3)}`);

    // A file of the browser's own file system stands for one that a person chooses: the same kind of handle.
    await page.evaluate(
      "window.showSaveFilePicker = async ({ suggestedName }) => (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true })",
    );
    await page.locator("select").last().selectOption("jsonl");
    await button(page, "내보내기").click();
    await page.getByText(`coupons-${id}.jsonl 파일에 ${TOTAL}줄을 저장했습니다.`).waitFor();
    const lines = await page.evaluate(
      `navigator.storage.getDirectory().then((root) => root.getFileHandle("coupons-${id}.jsonl")).then((handle) => handle.getFile()).then((file) => file.text())`,
    );
    expect(lines).to.equal(await wanted("--format", "jsonl"));
    expect(await violations(page), "export, Korean, dark, narrow").to.deep.equal([]);
    for (const tab of ["live", "preflight", "verify", "stats", "look-up"]) {
      await open(page, tab);
      await page.getByRole("heading", { level: 2 }).first().waitFor();
      await fits(page);
    }
    expect(await violations(page), "look-up, Korean, dark, narrow").to.deep.equal([]);
    expect(troubles).to.deep.equal([]);
    await context.close();
  });

  it("goes on with an export whose connection breaks: no row twice, none lost", async () => {
    const { id } = await createCampaign(clients, { name: NAME, total: 5 });
    await untilState(clients, id, "OPEN");
    for (let number = 0; number < 5; number += 1)
      await clients.coupons.issueCoupon({ campaignId: id, userId: user(number) });
    const way = await breakingWay(new URL(service.url));
    try {
      const { page } = await signedIn(id, { acceptDownloads: true }, way.url);
      await page.evaluate("delete window.showSaveFilePicker");
      await open(page, "export");
      const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Export").click()]);
      const { stdout } = await runHere(["export", id, "--bom"], { url: service.url });
      expect(await readFile((await download.path()) ?? "", "utf8")).to.equal(stdout);
      await page.getByText(`5 rows are in coupons-${id}.csv.`).waitFor();
      expect(way.broken, "broken exports").to.equal(2);
    } finally {
      await way.close();
    }
  });

  it("draws nothing while nobody sees it, and all of it afterwards", async () => {
    const { id } = await createCampaign(clients, { name: NAME, total: 5 });
    await untilState(clients, id, "OPEN");
    const { page } = await signedIn(id);
    await page.evaluate(`(() => {
      window.draws = 0;
      window.isAway = false;
      window.seen = new Set();
      const { clearRect } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.clearRect = function (...area) {
        window.draws += 1;
        return clearRect.apply(this, area);
      };
      Object.defineProperty(document, "hidden", { configurable: true, get: () => window.isAway });
    })()`);
    await open(page, "live");
    const becomes = async (what: string) =>
      expect(await until(async () => (await page.evaluate(what)) === true, HANG_MS), what).to.equal(true);
    await becomes("window.draws > 4");
    // Each message changes a figure of the processes.
    await page.evaluate("window.isAway = true; window.drawnBefore = window.draws");
    await becomes(
      `window.seen.add(document.querySelector("[aria-labelledby=live-processes]").innerText).size > 3`,
    );
    expect(await page.evaluate("window.draws - window.drawnBefore"), "drawn while hidden").to.equal(0);
    await page.evaluate("window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))");
    await becomes("window.draws > window.drawnBefore");
  });
});

/** A way to the service that breaks the first two exports in the middle of their answer. */
async function breakingWay({ hostname, port }: URL) {
  let broken = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let isExport = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => void [near, far].map((one) => one.destroy()));
    }
    near.on("data", (data: Buffer) => {
      isExport = data.includes("/ExportCoupons");
      far.write(data);
    });
    far.on("data", (data: Buffer) => {
      if (!isExport || broken === 2) return void near.write(data);
      broken += 1;
      near.write(data.subarray(0, data.length / 2), () => near.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get broken() {
      return broken;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether the first chart has points in the colour of its first series. */
async function isDrawn(page: Page): Promise<boolean> {
  return (await page.evaluate(`(() => {
    const canvas = document.querySelector(".chart canvas");
    const probe = document.createElement("canvas").getContext("2d");
    const tone = document.createElement("span");
    tone.className = "tone-issued";
    document.body.append(tone);
    probe.fillStyle = getComputedStyle(tone).color;
    tone.remove();
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
      if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) return true;
    return false;
  })()`)) as boolean;
}
