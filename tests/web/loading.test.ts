import { expect } from "chai";
import { askedAgain, figuresOf, plainTexts } from "../../bench/paint/figures.ts";
import { PROFILES } from "../../bench/paint/profiles.ts";
import { visit } from "../../bench/paint/visit.ts";
import { withBrowser } from "../support/browser.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;
/** The network and the processor are those of this machine: what is judged here does not depend on them. */
const UNTHROTTLED = { slowdown: 1, latencyMs: 0, downBitsPerSecond: 1e9, upBitsPerSecond: 1e9 };
/** The part behind the sign-in. */
const OPERATING = /\/assets\/operating-[\w-]+\.js$/;

/** Notes, before the page's own scripts, what the launch page does, and where a task of it ends. */
const NOTE_TASKS = `
window.noted = [];
const note = (what) => {
  if (noted.includes(what)) return;
  noted.push(what);
  // Before the tasks of lower priority that wait already.
  scheduler.postTask(() => noted.push("task ends"), { priority: "user-blocking" });
};
const { fetch } = window;
window.fetch = (...asked) => {
  note("asks");
  return fetch(...asked);
};
Intl.DateTimeFormat = new Proxy(Intl.DateTimeFormat, {
  construct(target, given) {
    note("makes a format");
    return Reflect.construct(target, given);
  },
});
new MutationObserver(() => {
  if (document.querySelector("#app [role=timer]") !== null) note("draws");
}).observe(document, { childList: true, subtree: true });
`;

describe("the pages, as a browser loads them", () => {
  const stores = withStores();
  const browser = withBrowser();
  let services: Services;
  let service: Service;
  let campaignId: string;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start({ env: { PUBLIC_LAUNCH_PAGE: "on" } });
    const clients = connectClients(service.url);
    campaignId = (await createCampaign(clients, { total: 1, startsAtMs: Date.now() + HOUR_MS })).id;
    await untilState(clients, campaignId, "SCHEDULED");
  });
  after(() => services.end());

  const pages = {
    launch: { path: () => `/launch/${campaignId}`, ready: "#user-id", bytesMax: 42_000 },
    console: { path: () => "/console", ready: "input[type=password]", bytesMax: 115_000 },
  };

  for (const [name, { path, ready, bytesMax }] of Object.entries(pages))
    for (const [device, { device: looks }] of Object.entries(PROFILES))
      it(`${name}, ${device}: compressed, small, still, and from the browser's cache the second time`, async () => {
        const { context, troubles } = await browser.open({ locale: "en-GB", ...looks });
        const plan = { url: service.url + path(), ready, profile: UNTHROTTLED };
        const first = await visit(context, plan);
        expect(plainTexts(first.loaded)).to.deep.equal([]);
        const figures = figuresOf(first.observed, first.loaded);
        expect(figures.bytes, "bytes").to.be.within(bytesMax / 2, bytesMax);
        expect(figures.layoutShift, "layout shift").to.be.at.most(0.05);
        const again = await visit(context, plan);
        expect(askedAgain(again.loaded)).to.deep.equal([]);
        expect(figuresOf(again.observed, again.loaded).bytes, "bytes, again").to.be.at.most(3_000);
        expect(troubles).to.deep.equal([]);
      });

  it("launch: asks the service first, and draws and makes its format of dates in tasks of their own", async () => {
    const { page, context } = await browser.open({ locale: "en-GB" });
    await context.addInitScript(NOTE_TASKS);
    // No answer is drawn before all of it is done.
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/GetCampaignStatus/, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${service.url}/launch/${campaignId}`);
    await page.waitForFunction("noted.length >= 6");
    const noted = await page.evaluate("noted");
    answer();
    await page.locator("#user-id").waitFor();
    expect(noted).to.deep.equal([
      ...["asks", "task ends", "draws", "task ends", "makes a format", "task ends"],
    ]);
  });

  it("console: the sign-in does not wait for the part behind it", async () => {
    const { context } = await browser.open({ locale: "en-GB" });
    const plan = { url: `${service.url}/console`, ready: "input[type=password]", profile: UNTHROTTLED };
    const { loaded } = await visit(context, plan);
    const first = loaded.filter(({ path }) => !OPERATING.test(path));
    expect(loaded.length - first.length, "it is fetched, though").to.equal(1);
    expect(first.reduce((sum, { bytes }) => sum + bytes, 0)).to.be.at.most(35_000);
  });

  it("console: says so where the part behind the sign-in does not load, and goes on once it does", async () => {
    const { page } = await browser.open({ locale: "en-GB" });
    let isCut = true;
    await page.route(OPERATING, (route) => (isCut ? route.abort("connectionfailed") : route.continue()));
    await page.goto(`${service.url}/console`);
    const field = page.getByLabel("Operator’s key or access token");
    await field.fill(OPERATOR_TOKEN);
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("A part of this page did not load.").waitFor();
    expect(await field.inputValue(), "what was typed stays").to.equal(OPERATOR_TOKEN);
    isCut = false;
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sign out" }).waitFor();
  });

  it("console: without JavaScript it says what it needs, in both languages", async () => {
    const { page } = await browser.open({ javaScriptEnabled: false });
    await page.goto(`${service.url}/console`);
    // Playwright finds no text in a <noscript>, though it is shown.
    const told = page.locator("noscript p");
    expect(await told.allInnerTexts()).to.deep.equal([
      "The console needs JavaScript.",
      "이 콘솔은 자바스크립트가 필요합니다.",
    ]);
    expect(await told.first().isVisible()).to.equal(true);
    expect(await page.locator("header").innerText()).to.equal("Coupon console · 쿠폰 콘솔");
  });
});
