import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import type { BrowserContext, Page } from "playwright-core";
import { until } from "../../../local/poll.ts";
import { ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { EN } from "../../../web/launch/words-en.ts";
import { withBrowser } from "../../support/browser.ts";
import { createCampaign, untilState } from "../../support/campaign.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { withStores } from "../../support/with-stores.ts";
import { codeIn, mainButton, titleOf, untilTitle, withLaunchService } from "./launch-service.ts";

const CUSTOMERS = 30;
const COUPONS = 18;
const GROUPS = 3;
const HOUR_MS = 3_600_000;
const WRONG_MS = 3 * HOUR_MS;
/** How long the start is away once all customers are there. */
const SOON_MS = 4_000;

type Customer = { readonly user: string; readonly page: Page; readonly pressesEarly: boolean };

const title = (name: keyof typeof EN.scenes) => EN.scenes[name][0];
const ENDS = [title("issued"), title("gone")];

/** Notes when the page first shows a code, on a clock that no script shifts. */
const NOTE_CODE = `new MutationObserver(() => {
  if (document.querySelector(".code") !== null)
    window.codeShownAtMs ??= performance.timeOrigin + performance.now();
}).observe(document, { subtree: true, childList: true });`;

/** The device's wall clock is wrong; the clock that never jumps is as it was. */
const SHIFT_CLOCK = `{
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length === 0) super(Real.now() + ${WRONG_MS});
      else super(...given);
    }
    static now() {
      return Real.now() + ${WRONG_MS};
    }
  };
}`;

describe("the launch page at a start", () => {
  const stores = withStores();
  const service = withLaunchService(stores);
  const browser = withBrowser();

  /** As a network that comes back would: the page asks for the status at once. */
  const askNow = (pages: readonly Page[]) =>
    Promise.all(pages.map((page) => page.evaluate(() => dispatchEvent(new Event("online")))));

  it("gives thirty customers a true answer, nobody early: a wrong clock, a lost network, a reload too", async () => {
    const { clients } = service;
    const claimAuth = ClaimAuth.TOKEN;
    const firstStartMs = Date.now() + HOUR_MS;
    const { id } = await createCampaign(clients, { total: COUPONS, startsAtMs: firstStartMs, claimAuth });
    await untilState(clients, id, "SCHEDULED");

    const contexts: BrowserContext[] = [];
    const opened = async (): Promise<BrowserContext> => {
      const { context, page } = await browser.open({ locale: "en-GB" });
      await page.close();
      await context.addInitScript(NOTE_CODE);
      contexts.push(context);
      return context;
    };
    for (let i = 0; i < GROUPS + 3; i++) await opened();
    const [wrongClock, lost, reloading, ...groups] = contexts as [
      BrowserContext,
      BrowserContext,
      BrowserContext,
      ...BrowserContext[],
    ];
    await wrongClock.addInitScript(SHIFT_CLOCK);
    const arrive = async (i: number): Promise<Customer> => {
      const context = [wrongClock, lost, reloading][i] ?? groups[i % GROUPS];
      if (context === undefined) throw new Error("no such group");
      const user = `${KEY_PREFIX}${i}`;
      const page = await context.newPage();
      await page.goto(service.pageOf(id, user));
      await untilTitle(page, title("early"));
      // Every third customer comes back at the start.
      const pressesEarly = i < 3 || i % 3 !== 0;
      if (pressesEarly) {
        await mainButton(page).click();
        await untilTitle(page, title("queued"));
      }
      return { user, page, pressesEarly };
    };
    const customers = await Promise.all(Array.from({ length: CUSTOMERS }, (_, i) => arrive(i)));
    const [withWrongClock, withoutNetwork, withReload, ...others] = customers as [
      Customer,
      Customer,
      Customer,
      ...Customer[],
    ];

    const shownS = async ({ page }: Customer) => {
      const [hours = 0, minutes = 0, seconds = 0] = (await page.locator(".digits").innerText())
        .trim()
        .split(":")
        .map(Number);
      return hours * 3_600 + minutes * 60 + seconds;
    };
    expect(await withWrongClock.page.evaluate(() => Date.now())).to.be.greaterThan(firstStartMs);
    expect(await shownS(withWrongClock)).to.be.within(1, HOUR_MS / 1_000);
    expect(Math.abs((await shownS(withWrongClock)) - (await shownS(withReload)))).to.be.lessThan(60);

    await lost.setOffline(true);
    const startsAtMs = Date.now() + SOON_MS;
    await clients.campaigns.rescheduleCampaign({ campaignId: id, startsAt: timestampFromMs(startsAtMs) });
    expect(await Promise.all(customers.map(({ page }) => codeIn(page)))).to.deep.equal(
      customers.map(() => undefined),
    );
    await withReload.page.reload();
    await askNow([withWrongClock, withReload, ...others].map(({ page }) => page));

    const claimAtStart = async ({ page, pressesEarly }: Customer) => {
      if (!pressesEarly) {
        const shown = await untilTitle(page, title("open"), ...ENDS);
        if (shown === title("open"))
          await page.evaluate(() => {
            for (let i = 0; i < 5; i++) document.querySelector<HTMLElement>("button.main")?.click();
          });
      }
      await untilTitle(page, ...ENDS);
    };
    const [first, ...rest] = others as [Customer, ...Customer[]];
    const atStart = [withWrongClock, withReload, first, ...rest].map(claimAtStart);
    await until(() => Date.now() >= startsAtMs, HANG_MS);
    await withReload.page.reload();
    await Promise.all(atStart);
    await untilTitle(withReload.page, ...ENDS);
    // Whether the network came back in time is not for the page to decide: it gets what is left.
    expect(ENDS).not.to.include(await titleOf(withoutNetwork.page));
    await lost.setOffline(false);
    await untilTitle(withoutNetwork.page, ...ENDS);

    const shown = new Map<string, string>();
    for (const { user, page } of customers) {
      const code = await codeIn(page);
      if (code === undefined) continue;
      shown.set(user, code);
      const atMs = await page.evaluate("window.codeShownAtMs");
      expect(atMs, `when ${user} saw a code`).to.be.at.least(startsAtMs);
    }
    const issued = new Map<string, string>();
    for await (const { coupons } of clients.campaigns.exportCoupons({ campaignId: id })) {
      for (const { coupon, userId } of coupons) {
        issued.set(userId, coupon?.code ?? "");
        expect(coupon?.issuedAt && timestampMs(coupon.issuedAt)).to.be.at.least(startsAtMs);
      }
    }
    expect([...shown].sort()).to.deep.equal([...issued].sort());
    expect(new Set(shown.values()).size).to.equal(COUPONS);
    const { issuedCodes } = await clients.campaigns.getCampaign({ campaignId: id });
    expect([...issuedCodes].sort()).to.deep.equal([...shown.values()].sort());
  });
});
