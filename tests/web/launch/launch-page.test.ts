import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { builtProduct } from "../../../local/built.ts";
import { until } from "../../../local/poll.ts";
import { ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { EN } from "../../../web/launch/words-en.ts";
import { sizesOf } from "../../../web/sizes.mjs";
import { withBrowser } from "../../support/browser.ts";
import { createCampaign, createOpenCampaign, untilState } from "../../support/campaign.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { withStores } from "../../support/with-stores.ts";
import { codeIn, countCalls, mainButton, titleOf, untilTitle, withLaunchService } from "./launch-service.ts";

const AN_HOUR_MS = 3_600_000;
/** What a phone of 2020 loads in a second over 3G. */
const PAGE_BYTES_MAX = 45_000;
const ISSUE = "**/coupon.v1.CouponService/IssueCoupon";
const STATUS = "**/coupon.v1.CouponService/GetCampaignStatus*";

const title = (name: keyof typeof EN.scenes) => EN.scenes[name][0];

/** Something that the test lets happen. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe("the launch page", () => {
  const stores = withStores();
  const service = withLaunchService(stores);
  const browser = withBrowser();
  let users = 0;
  const newUser = () => `${KEY_PREFIX}page-${users++}`;

  const open = (options = {}) => browser.open({ locale: "en-GB", ...options });

  async function claimAs(page: Page, campaignId: string, user: string): Promise<string> {
    await page.goto(service.pageOf(campaignId));
    await untilTitle(page, title("open"));
    await page.fill("#user-id", user);
    await mainButton(page).click();
    await untilTitle(page, title("issued"));
    return (await codeIn(page)) ?? "";
  }

  async function issuedOf(campaignId: string): Promise<readonly string[]> {
    return (await service.clients.campaigns.getCampaign({ campaignId })).issuedCodes;
  }

  it("is small", async () => {
    const launch = sizesOf(join(await builtProduct(), "web", "dist")).find(({ page }) => page === "launch");
    expect(launch?.bytes).to.be.within(1, PAGE_BYTES_MAX);
  });

  it("hammered, is one claim; a key that is held, too", async () => {
    const campaignId = await createOpenCampaign(service.clients, { total: 5 });
    const { page, troubles } = await open();
    const claims = countCalls(page, "IssueCoupon");
    await page.goto(service.pageOf(campaignId));
    await untilTitle(page, title("open"));
    await mainButton(page).click();
    expect(await page.locator("#user-id-told").innerText()).to.equal(EN.userIdMissing);
    await page.fill("#user-id", ` ${newUser()} `);
    await page.focus("#user-id");
    for (let i = 0; i < 10; i++) await page.keyboard.down("Enter");
    await page.keyboard.up("Enter");
    await page.evaluate(() => {
      for (let i = 0; i < 30; i++) document.querySelector<HTMLElement>("button.main")?.click();
    });
    await untilTitle(page, title("issued"));
    // The field went away with the focus in it.
    expect(await page.evaluate(() => document.activeElement?.className)).to.equal("main");
    expect(claims()).to.equal(1);
    expect(await issuedOf(campaignId)).to.deep.equal([await codeIn(page)]);
    expect(troubles).to.deep.equal([]);
  });

  it("whose answer is lost asks again, says so, and has the coupon that was issued", async () => {
    const campaignId = await createOpenCampaign(service.clients, { total: 5 });
    const { page } = await open();
    const seen = gate();
    const user = newUser();
    let asked = 0;
    await page.route(ISSUE, async (route) => {
      asked += 1;
      if (asked > 1) {
        await seen.passed;
        await route.continue();
        return;
      }
      // The service has the claim, and its answer is lost on the way.
      await service.clients.coupons.issueCoupon({ campaignId, userId: user });
      await route.abort("connectionreset");
    });
    await page.goto(service.pageOf(campaignId));
    await untilTitle(page, title("open"));
    await page.fill("#user-id", user);
    await mainButton(page).click();
    await untilTitle(page, title("askingUnreachable"));
    expect(await mainButton(page).getAttribute("aria-disabled")).to.equal("true");
    expect(await issuedOf(campaignId)).to.have.length(1);
    seen.open();
    await untilTitle(page, title("issued"));
    expect(await issuedOf(campaignId)).to.deep.equal([await codeIn(page)]);
  });

  it("on a slow network may be pressed before anything is known", async () => {
    const campaignId = await createOpenCampaign(service.clients, { total: 5, onePerUser: false });
    const { page } = await open();
    const slow = gate();
    await page.route(STATUS, async (route) => {
      await slow.passed;
      await route.continue();
    });
    await page.goto(service.pageOf(campaignId));
    await untilTitle(page, title("connecting"));
    await mainButton(page).click();
    await page.reload();
    await untilTitle(page, title("connecting"));
    slow.open();
    await untilTitle(page, title("issued"));
  });

  it("in two tabs and after a reload is the same coupon, with one claim", async () => {
    const { context, page } = await open();
    const other = await context.newPage();
    const oneEach = await createOpenCampaign(service.clients, { total: 5 });
    await other.goto(service.pageOf(oneEach));
    await untilTitle(other, title("open"));
    const claims = countCalls(page, "IssueCoupon");
    const code = await claimAs(page, oneEach, newUser());
    await untilTitle(other, title("issued"));
    expect(await codeIn(other)).to.equal(code);
    expect(await other.locator(".message p").innerText()).to.equal(EN.scenes.issuedInOtherTab[1]);
    await page.reload();
    await untilTitle(page, title("issued"));
    expect([await codeIn(page), claims()]).to.deep.equal([code, 1]);
    expect(await issuedOf(oneEach)).to.deep.equal([code]);

    const byRequest = await createOpenCampaign(service.clients, { total: 5, onePerUser: false });
    for (const tab of [page, other]) {
      await tab.goto(service.pageOf(byRequest));
      await untilTitle(tab, title("open"));
    }
    await Promise.all([page, other].map((tab) => mainButton(tab).click()));
    for (const tab of [page, other]) await untilTitle(tab, title("issued"));
    expect(await issuedOf(byRequest)).to.deep.equal([await codeIn(page)]);
    expect(await codeIn(other)).to.equal(await codeIn(page));
  });

  it("copies the code alone, and checks it as it is typed back", async () => {
    const campaignId = await createOpenCampaign(service.clients, { total: 5 });
    const { context, page } = await open();
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const code = await claimAs(page, campaignId, newUser());
    const under = page.locator(".under");
    const copied = async () => {
      await mainButton(page).click();
      return (await under.innerText()) === EN.copied;
    };
    expect(await until(copied, HANG_MS)).to.equal(true);
    expect(await page.evaluate(() => navigator.clipboard.readText())).to.equal(code);

    const told = page.locator("#typed-back-told");
    await page.fill("#typed-back", `${code.slice(0, 3).normalize("NFD")} - ${code.slice(3)}`);
    expect(await told.innerText()).to.equal(EN.typed.right);
    await page.press("#typed-back", "Enter");
    await page.fill("#typed-back", `${code.slice(0, 9)}O`);
    expect(await told.innerText()).to.equal(EN.typed.wrong(10));
    expect(await page.getAttribute("#typed-back", "aria-invalid")).to.equal("true");
    await page.fill("#typed-back", code.slice(0, 4));
    expect(await told.innerText()).to.equal(EN.typed.unfinished(4, 10));
  });

  it("that may not write to the clipboard selects the code, and says so", async () => {
    const campaignId = await createOpenCampaign(service.clients, { total: 5 });
    const { page } = await open();
    await page.addInitScript(() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      document.execCommand = () => false;
    });
    const code = await claimAs(page, campaignId, newUser());
    const selected = async () => {
      await mainButton(page).click();
      return (await page.locator(".under").innerText()) === EN.selected;
    };
    expect(await until(selected, HANG_MS)).to.equal(true);
    expect(await page.evaluate(() => getSelection()?.toString())).to.equal(code);
  });

  it("follows an operator: early, paused, open again, sold out, over", async () => {
    const { campaigns } = service.clients;
    const { page } = await open();
    const { id: campaignId } = await createCampaign(service.clients, {
      total: 1,
      startsAtMs: Date.now() + AN_HOUR_MS,
    });
    await untilState(service.clients, campaignId, "SCHEDULED");
    const untilTold = async (...names: (keyof typeof EN.scenes)[]) => {
      const isTold = async () => {
        await page.evaluate(() => dispatchEvent(new Event("online")));
        return names.map(title).includes(await titleOf(page));
      };
      expect(await until(isTold, HANG_MS, 50), `${names} is told`).to.equal(true);
    };
    await page.goto(service.pageOf(campaignId));
    await untilTitle(page, title("early"));
    await campaigns.pauseCampaign({ campaignId });
    await untilTold("paused");
    await campaigns.resumeCampaign({ campaignId });
    await untilTold("early");
    await campaigns.rescheduleCampaign({
      campaignId,
      startsAt: { seconds: BigInt(Math.floor(Date.now() / 1_000)), nanos: 0 },
    });
    await untilTold("open");
    const holder = newUser();
    await service.clients.coupons.issueCoupon({ campaignId, userId: holder });
    await untilTold("soldOut");
    await page.fill("#user-id", newUser());
    expect(await mainButton(page).innerText()).to.equal(EN.buttons.look);
    await mainButton(page).click();
    await until(async () => (await mainButton(page).count()) === 0, HANG_MS);
    expect(await titleOf(page)).to.equal(title("gone"));
    expect(await page.evaluate(() => document.activeElement?.tagName)).to.equal("H1");
    await campaigns.endCampaign({ campaignId });
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    await untilTitle(page, title("ended"));
    await page.fill("#user-id", holder);
    await mainButton(page).click();
    await untilTitle(page, title("issued"));
    await page.goto(service.pageOf("0".repeat(26)));
    await untilTitle(page, title("unknownCampaign"));
  });

  it("takes a token out of its address, and asks for another where it is no longer valid", async () => {
    const campaignId = await createOpenCampaign(service.clients, { total: 5, claimAuth: ClaimAuth.TOKEN });
    const { page, troubles } = await open();
    await page.goto(service.pageOf(campaignId));
    await untilTitle(page, title("signIn"));
    expect(await mainButton(page).count()).to.equal(0);
    const user = newUser();
    const exp = Math.floor(Date.now() / 1_000) - 60;
    await page.goto(`${service.pageOf(campaignId)}#token=${service.tokenOf(user, { exp })}`);
    await untilTitle(page, title("open"));
    expect(page.url()).to.equal(service.pageOf(campaignId));
    await mainButton(page).click();
    await untilTitle(page, title("signInAgain"));
    await page.goto(service.pageOf(campaignId, user));
    await untilTitle(page, title("issued"));
    await page.reload();
    await untilTitle(page, title("issued"));
    expect(await issuedOf(campaignId)).to.deep.equal([await codeIn(page)]);
    expect(page.url()).to.equal(service.pageOf(campaignId));
    expect(troubles.filter((one) => !one.includes("401"))).to.deep.equal([]);
  });
});
