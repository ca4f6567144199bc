import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { withBrowser } from "../support/browser.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";
import { signIn, violationsOf } from "./console-page.ts";

const user = `${KEY_PREFIX}asker`;

describe("console: a coupon that was looked up", () => {
  const stores = withStores();
  const browser = withBrowser();
  let services: Services;
  let url: string;
  let clients: Clients;

  before(async () => {
    services = createServices({ ...stores.env, ATTEMPTS_KEPT: "100" });
    url = (await services.start()).url;
    clients = connectClients(url);
  });
  after(() => services.end());

  it("shows its place, what its holder asked, its redemptions, and makes it void and valid again", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 3, forgetUsersAfterDays: 0 });
    await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}first` });
    const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: user });
    const code = coupon?.code ?? expect.fail("no coupon");
    await clients.redemptions.redeemCoupon({ code, key: "order-1" });
    const isRanked = async () => {
      const { issuance } = await clients.campaigns.findIssuance({ code });
      return issuance?.coupon?.rank === 2;
    };
    expect(await until(isRanked, HANG_MS, 20)).to.equal(true);
    const isLogged = async () =>
      (await clients.campaigns.findAttempts({ campaignId, userId: user })).attempts.length === 1;
    expect(await until(isLogged, HANG_MS, 20)).to.equal(true);

    const { page, context, troubles } = await browser.open({ locale: "en-GB" });
    await signIn(page, url, `#/campaigns/${campaignId}/look-up`);
    await page.getByRole("textbox", { name: "Code" }).fill(code);
    await page.keyboard.press("Enter");
    const fact = (title: string) =>
      page.locator(".answer dl > div", { has: page.getByText(title, { exact: true }) }).locator("dd");
    expect(await fact("Place among all issued").innerText()).to.equal("2");

    await page.getByRole("button", { name: "Show what this caller asked" }).click();
    const attempts = page.getByRole("table", { name: "What this caller asked" });
    await attempts.waitFor();
    expect(await attempts.innerText()).to.include("issued");

    await page.getByRole("button", { name: "Show redemptions" }).click();
    const redemptions = page.getByRole("table", { name: "Redemptions" });
    await redemptions.waitFor();
    expect(await redemptions.innerText())
      .to.include("Redeemed")
      .and.include("order-1");
    await page.getByText("The code is not void.").waitFor();
    await page.getByLabel("Reason").fill("printed twice");
    await page.getByRole("button", { name: "Make the code void" }).click();
    await page.getByText("The code is void.").waitFor();
    const changes = page.getByRole("table", { name: "Who made it void or valid" });
    expect(await changes.innerText())
      .to.include("Made void")
      .and.include("printed twice");
    const recorded = async () => (await clients.redemptions.getCouponRedemptions({ code })).redemptions;
    expect(await recorded()).to.include({ voided: true });
    expect(await violationsOf(page)).to.deep.equal([]);
    await page.getByRole("button", { name: "Make the code valid again" }).click();
    await page.getByText("The code is not void.").waitFor();
    expect(await recorded()).to.include({ voided: false });
    expect(troubles).to.deep.equal([]);
    await context.close();
  });
});
