import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../../local/poll.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { ko as KO } from "../../web/console/i18n/ko.ts";
import { withBrowser } from "../support/browser.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { keySetting } from "../support/operator-key.ts";
import { HANG_MS } from "../support/patience.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";
import { act, figure, signIn, stateBadge, violationsOf } from "./console-page.ts";

const HOUR_MS = 3_600_000;
/** A name that would run a script, load a file or bold its text where it was taken for HTML. */
const HOSTILE = `<img src=x onerror="window.broken=1"><script>window.broken=1</script><b>`;
const VIEWER_KEY = "cpo_the-key-of-a-viewer-of-the-tests-0123456789";

describe("the operators' console", () => {
  const stores = withStores();
  const browser = withBrowser();
  let services: Services;
  let service: Service;
  let clients: Clients;

  before(async () => {
    const { name, role, sha256 } = keySetting("vera", "viewer", VIEWER_KEY);
    services = createServices({ ...stores.env, OPERATOR_KEYS: `${name}:${role}:${sha256}` });
    service = await services.start();
    clients = connectClients(service.url);
  });
  after(() => services.end());

  it("is signed in to with a credential that stays in memory, and says why another is refused", async () => {
    const { page, context, troubles } = await browser.open({ locale: "en-GB" });
    await page.goto(`${service.url}/console/#/new`);
    const input = page.getByLabel("Operator’s key or access token");
    expect(await input.evaluate((element) => element === document.activeElement)).to.equal(true);
    await page.keyboard.press("Enter");
    await page.getByText("Enter a key or a token.").waitFor();
    await input.fill("wrong-token-wrong-token-wrong-token-0123");
    await page.keyboard.press("Enter");
    await page.getByText("The service refused the credential.").waitFor();
    expect(await violationsOf(page), "sign-in").to.deep.equal([]);

    await signIn(page, service.url, "#/new");
    await page.getByRole("heading", { name: "New campaign" }).waitFor();
    const kept = await page.evaluate(
      "JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])",
    );
    // The language that `violationsOf` chose last.
    expect(kept).to.equal(`[{"coupon-console:language":"en"},{},"${service.url}/console/#/new"]`);
    expect(await context.cookies()).to.deep.equal([]);
    await page.getByLabel("Colours").selectOption("dark");
    await page.getByLabel("Language").selectOption("ko");
    await page.reload();
    await page.getByLabel(String(KO["signIn.credential"])).waitFor();
    const choices = "JSON.stringify([{...localStorage}, document.documentElement.dataset.theme])";
    expect(JSON.parse(String(await page.evaluate(choices)))).to.deep.equal([
      { "coupon-console:theme": "dark", "coupon-console:language": "ko" },
      "dark",
    ]);
    expect(unexpected(troubles)).to.deep.equal([]);
  });

  it("creates a campaign once, whatever its name, counts down, and does what the operator confirms", async () => {
    const { page, troubles } = await browser.open({ locale: "en-GB", timezoneId: "Asia/Seoul" });
    await signIn(page, service.url);
    await page.getByText("There is no campaign yet.").waitFor();
    expect(await violationsOf(page), "empty list").to.deep.equal([]);

    await page.getByRole("link", { name: "New campaign" }).click();
    await page.getByRole("button", { name: "Check and create …" }).click();
    await page.getByText("Enter at least one visible character.").waitFor();
    const name = page.getByLabel("Name", { exact: true });
    expect(await name.evaluate((element) => element === document.activeElement)).to.equal(true);
    await name.fill(HOSTILE);
    await page.getByLabel("Coupons", { exact: true }).fill("25");
    await page.getByLabel("Time zone of the dates").selectOption("UTC");
    await page.getByLabel("Start", { exact: true }).fill(utcText(Date.now() + HOUR_MS));
    await page.getByLabel("Code format").fill("가0");
    await page.getByText(/^4 to 32 characters/).waitFor();
    await page.getByLabel("Code format").fill("가가가가000#");
    await page.getByText("found by the check character").waitFor();
    await page.getByLabel("Metadata").fill("Channel=app");
    await page.getByText(/^Line 1: write key=value/).waitFor();
    await page.getByLabel("Metadata").fill("channel=app\nowner=김");
    expect(await violationsOf(page), "form").to.deep.equal([]);
    await page.getByRole("button", { name: "Check and create …" }).click();
    await page.getByText("Asia/Seoul (yours)").last().waitFor();
    expect(await violationsOf(page), "summary").to.deep.equal([]);
    await page.getByRole("button", { name: "Create the campaign" }).dblclick();
    await stateBadge(page, "Scheduled").waitFor();
    const { campaigns } = await clients.campaigns.listCampaigns({});
    expect(campaigns.map((campaign) => campaign.name)).to.deep.equal([HOSTILE]);
    expect(campaigns[0]?.metadata).to.deep.equal({ channel: "app", owner: "김" });
    const campaignId = campaigns[0]?.id ?? "";

    await page.getByText("Opens in").waitFor();
    expect(await page.getByRole("timer").textContent()).to.match(/^(00:59|01:00):\d\d$/);
    expect(await violationsOf(page), "campaign").to.deep.equal([]);
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("dialog").getByText("Scheduled").waitFor();
    expect(await violationsOf(page), "dialog").to.deep.equal([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });

    await rescheduleSoon(page);
    await stateBadge(page, "Open").waitFor();
    for (let i = 0; i < 20; i++) await clients.coupons.issueCoupon({ campaignId, userId: `user-${i}` });
    await figure(page, "Issued", "20").waitFor();
    await act(page, "Pause");
    await stateBadge(page, "Paused").waitFor();
    await act(page, "Resume");
    await stateBadge(page, "Open").waitFor();
    await page.getByRole("button", { name: "Add coupons", exact: true }).click();
    await page.getByLabel("How many coupons to add").fill("15");
    await page.getByRole("button", { name: "Check …" }).click();
    await page.getByText("15 coupons are added: 25 become 40.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Add coupons", exact: true }).click();
    await figure(page, "Coupons", "40").waitFor();
    await figure(page, "Remaining", "20").waitFor();
    await page.evaluate(`location.hash = "#/campaigns/${campaignId}/wall"`);
    await figure(page, "Share", "50%").waitFor();
    expect(await violationsOf(page), "wall").to.deep.equal([]);
    await page.getByRole("link", { name: "Leave the wall screen" }).click();
    await act(page, "End now");
    await stateBadge(page, "Ended").waitFor();
    const end = page.getByRole("button", { name: /^End now/ });
    expect(await end.getAttribute("aria-disabled")).to.equal("true");
    const why = "The campaign is over already.";
    expect(await end.textContent()).to.include(why);
    await end.press("Enter");
    await page.getByRole("status").getByText(why).waitFor();

    await page.getByRole("link", { name: "History" }).click();
    await page.getByText("Coupons added").waitFor();
    expect(await violationsOf(page), "history").to.deep.equal([]);
    const { entries } = await clients.campaigns.listHistory({ campaignId });
    await page.getByText(entries.length === 0 ? "none" : "Created", { exact: true }).waitFor();
    expect(await page.locator("tbody tr").count()).to.equal(entries.length);
    expect(await page.evaluate("window.broken")).to.equal(undefined);
    expect(await page.locator("main img, main b, main script").count()).to.equal(0);
    expect(unexpected(troubles)).to.deep.equal([]);
  });

  it("goes on by itself after its server was killed, and neither misses nor doubles a change", async () => {
    const campaign = await createCampaign(clients, { total: 5, startsAtMs: Date.now() + HOUR_MS });
    await untilState(clients, campaign.id, "SCHEDULED");
    const { page } = await browser.open({ locale: "en-GB" });
    await signIn(page, service.url, `#/campaigns/${campaign.id}`);
    await act(page, "Pause");
    const { port } = new URL(service.url);
    await service.process.kill();
    await page.getByText("Connection lost. Reconnecting …").waitFor();
    // Changes that the console does not see: another server makes them.
    const other = await services.start();
    const there = connectClients(other.url);
    await there.campaigns.resumeCampaign({ campaignId: campaign.id });
    await there.campaigns.updateCampaign({ campaignId: campaign.id, name: "renamed meanwhile" });
    service = await services.start({ env: { PORT: port } });
    await page.getByRole("heading", { name: "renamed meanwhile" }).waitFor();
    await page.locator(".phase-live").waitFor();
    await act(page, "Pause");
    await stateBadge(page, "Paused").waitFor();
    const wanted = [
      "Generating → Scheduled",
      "Scheduled → Paused",
      "Paused → Scheduled",
      "Scheduled → Paused",
    ];
    const shown = async () =>
      (await page.locator(".event-log li").allInnerTexts())
        .toReversed()
        .flatMap((text) => /\w+ → \w+$/.exec(text)?.[0] ?? []);
    await until(async () => (await shown()).length >= wanted.length, HANG_MS);
    expect(await shown()).to.deep.equal(wanted);
  });

  it("shows a viewer everything, and disables what the role does not cover before it is refused", async () => {
    const { id } = await createCampaign(clients, { total: 5, startsAtMs: Date.now() + HOUR_MS });
    await untilState(clients, id, "SCHEDULED");
    const { page } = await browser.open({ locale: "en-GB" });
    await signIn(page, service.url, `#/campaigns/${id}`, VIEWER_KEY);
    await stateBadge(page, "Scheduled").waitFor();
    // By the keyboard alone: to the button, into the dialog, and back to the button.
    const pause = page.getByRole("button", { name: /^Pause/ });
    await until(async () => {
      await page.keyboard.press("Tab");
      return pause.evaluate((element) => element === document.activeElement);
    }, HANG_MS);
    await page.keyboard.press("Enter");
    const why = "Your role, viewer, does not cover this.";
    await page.locator("fieldset.actions").getByRole("status").getByText(why).waitFor();
    await page.getByText("vera · viewer").waitFor();
    expect(await page.getByRole("dialog").count()).to.equal(0);
    expect(await pause.evaluate((element) => element === document.activeElement)).to.equal(true);
    for (const button of await page.locator("fieldset.actions button").all())
      expect(await button.getAttribute("aria-disabled")).to.equal("true");
    await page.evaluate("location.hash = '#/'");
    await page.getByRole("button", { name: /^New campaign/ }).waitFor();
    expect(await page.locator("main").innerText()).to.include(why);
    expect(await violationsOf(page), "list of a viewer").to.deep.equal([]);
    const standing = await clients.campaigns.getCampaign({ campaignId: id });
    expect(standing.campaign?.state).to.equal(CampaignState.SCHEDULED);
  });
});

/** Moves the start to some seconds from now, in UTC. */
async function rescheduleSoon(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Reschedule", exact: true }).click();
  await page
    .getByRole("dialog")
    .getByLabel("Start", { exact: true })
    .fill(utcText(Date.now() + 5_000));
  await page.getByRole("button", { name: "Check …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reschedule", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** As an input of type datetime-local takes it. */
const utcText = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19);

/** A refused call is no error of the page, but Chromium reports its status. */
const unexpected = (troubles: readonly string[]): string[] =>
  troubles.filter((trouble) => !trouble.includes("Failed to load resource"));
