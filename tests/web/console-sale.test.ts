import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { createHttpClient, type HttpClient } from "../../callers/http-client.ts";
import { until } from "../../local/poll.ts";
import { withBrowser } from "../support/browser.ts";
import { untilState } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";
import { act, figure, signIn, stateBadge } from "./console-page.ts";

const TOTAL = 1_500;
const ADDED = 300;
/** More than there are coupons. */
const USERS = 1_900;
/** Of them, those that come before the pause: too few to sell out, however slow the operator is. */
const FIRST_USERS = 900;
const PER_SECOND = 1_000;
const SOCKETS_MAX = 64;
const TRY_MS = 5_000;
const LEAD_MS = 8_000;
/** Everybody asks again while the sale is paused: not so often that this alone is a load. */
const AGAIN_MS = 1_500;

describe("a sale that an operator leads from the console", () => {
  const stores = withStores();
  const browser = withBrowser();
  let services: Services;
  let ofConsole: Service;
  let other: Service;
  const lines: HttpClient[] = [];
  let sale: ReturnType<typeof claims> | undefined;

  before(async () => {
    services = createServices(stores.env);
    ofConsole = await services.start();
    other = await services.start();
    lines.push(...[ofConsole, other].map(({ url }) => createHttpClient(url, SOCKETS_MAX)));
  });
  after(async () => {
    await sale?.end();
    for (const line of lines) line.close();
    await services.end();
  });

  it("ends with every coupon issued once, though the console's server is killed in the middle", async () => {
    const { page } = await browser.open({ locale: "en-GB", timezoneId: "Asia/Seoul" });
    await signIn(page, ofConsole.url, "#/new");
    await page.getByLabel("Name", { exact: true }).fill("The sale");
    await page.getByLabel("Coupons", { exact: true }).fill(String(TOTAL));
    await page.getByLabel("Time zone of the dates").selectOption("UTC");
    const startsAtMs = Math.ceil((Date.now() + LEAD_MS) / 1_000) * 1_000;
    const start = page.getByLabel("Start", { exact: true });
    await start.fill(new Date(startsAtMs).toISOString().slice(0, 19));
    await page.getByRole("button", { name: "Check and create …" }).click();
    await page.getByRole("button", { name: "Create the campaign" }).click();
    const issuedSoFar = page.getByRole("progressbar", { name: / issued$/ });
    await issuedSoFar.waitFor();
    const campaignId = /#\/campaigns\/(\w+)/.exec(page.url())?.[1] ?? "";

    sale = claims(campaignId, startsAtMs, lines);
    await stateBadge(page, "Open").waitFor();
    const issuedAbove = (least: number) =>
      until(async () => Number(await issuedSoFar.getAttribute("value")) >= least, HANG_MS);
    expect(await issuedAbove(200)).to.equal(true);
    await act(page, "Pause");
    await stateBadge(page, "Paused").waitFor();
    sale.othersCome();
    const { port } = new URL(ofConsole.url);
    await ofConsole.process.kill();
    await page.getByText("Connection lost. Reconnecting …").waitFor();
    ofConsole = await services.start({ env: { PORT: port } });
    await page.locator(".phase-live").waitFor();
    await act(page, "Resume");
    await stateBadge(page, "Open").waitFor();
    await page.getByRole("button", { name: "Add coupons", exact: true }).click();
    await page.getByLabel("How many coupons to add").fill(String(ADDED));
    await page.getByRole("button", { name: "Check …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Add coupons", exact: true }).click();
    await figure(page, "Coupons", (TOTAL + ADDED).toLocaleString("en")).waitFor();
    await untilState(connectClients(other.url), campaignId, "SOLD_OUT");
    await sale.untilIssued(TOTAL + ADDED);
    const codes = await sale.end();
    await stateBadge(page, "Sold out").waitFor();
    expect(new Set(codes.values()).size, "coupons with one holder").to.equal(TOTAL + ADDED);

    await page.getByRole("link", { name: "Verify", exact: true }).click();
    await page.getByRole("button", { name: "Verify", exact: true }).click();
    await page.getByText("All that could be checked holds.").waitFor();
    await page.getByRole("link", { name: "Export", exact: true }).click();
    // Without it, the browser asks for a file.
    await page.evaluate("delete window.showSaveFilePicker");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export", exact: true }).click(),
    ]);
    const exported = await readFile((await download.path()) ?? "", "utf8");
    for (const [user, code] of codes)
      if (!exported.includes(code)) throw new Error(`${user}'s coupon is not in the export`);
    expect(exported.trimEnd().split("\n")).to.have.length(TOTAL + ADDED + 1);

    await page.getByRole("link", { name: "History", exact: true }).click();
    await page.getByText("Coupons added", { exact: true }).waitFor();
    const verbs = (await page.locator("tbody th strong").allTextContents()).toReversed();
    expect(verbs.filter((verb) => verb !== "Sold out")).to.deep.equal([
      ...["Created", "Codes are made", "Opened", "Paused", "Resumed"],
      ...["Coupons added", "Added codes are made"],
    ]);
  });
});

/**
 * 1,000 users a second claim, at the servers in turn, and ask again until they have a coupon or the sale is
 * ended.
 */
function claims(campaignId: string, startsAtMs: number, lines: readonly HttpClient[]) {
  const codes = new Map<string, string>();
  const stop = new AbortController();
  const { signal } = stop;
  let othersCome = () => {};
  const othersMay = new Promise<void>((resolve) => {
    othersCome = resolve;
  });
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  async function claim(user: number): Promise<void> {
    if (user >= FIRST_USERS) await othersMay;
    const dueMs =
      user < FIRST_USERS ? startsAtMs + (user * 1_000) / PER_SECOND - Date.now() : user - FIRST_USERS;
    await pause(dueMs);
    for (let tries = user; !signal.aborted; tries++) {
      const userId = `user-${user}`;
      const answer = await lines[tries % lines.length]?.ask(campaignId, userId, TRY_MS);
      if (answer?.outcome.kind === "issued") return void codes.set(userId, answer.outcome.code);
      await pause((answer?.retryAfterMs ?? 0) + AGAIN_MS * (1 + Math.random()));
    }
  }

  const all = Promise.all(Array.from({ length: USERS }, (_, user) => claim(user)));
  return {
    othersCome,
    async untilIssued(count: number): Promise<void> {
      if (!(await until(() => codes.size >= count, HANG_MS))) throw new Error(`only ${codes.size} have one`);
    },
    /** The holders' codes by their users. */
    async end(): Promise<ReadonlyMap<string, string>> {
      stop.abort();
      othersCome();
      await all;
      return codes;
    },
  };
}
