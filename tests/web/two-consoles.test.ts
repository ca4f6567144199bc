import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../../local/poll.ts";
import { withBrowser } from "../support/browser.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { HANG_MS } from "../support/patience.ts";
import { withService } from "../support/with-service.ts";
import { signIn, stateBadge } from "./console-page.ts";

const HOUR_MS = 3_600_000;

describe("the operators' console beside another operator", () => {
  const running = withService();
  const browser = withBrowser();

  async function scheduled(more: object = {}): Promise<string> {
    const wanted = { name: "Winter", total: 10, startsAtMs: Date.now() + HOUR_MS, ...more };
    const { id } = await createCampaign(running.clients, wanted);
    await untilState(running.clients, id, "SCHEDULED");
    return id;
  }

  async function openAction(campaignId: string, action: string): Promise<Page> {
    const { page } = await browser.open({ locale: "en-GB", timezoneId: "UTC" });
    await signIn(page, running.service.url, `#/campaigns/${campaignId}`);
    await page.getByRole("button", { name: action, exact: true }).click();
    await page.getByRole("dialog").waitFor();
    return page;
  }

  const campaignOf = async (campaignId: string) =>
    (await running.clients.campaigns.getCampaign({ campaignId })).campaign;

  it("does not take back what the other one changed while its form was open", async () => {
    const endsAtMs = Math.floor(Date.now() / 1_000) * 1_000 + 5 * HOUR_MS;
    const campaignId = await scheduled({ endsAt: timestampFromMs(endsAtMs) });
    const page = await openAction(campaignId, "Edit");
    const dialog = page.getByRole("dialog");

    const laterMs = endsAtMs + HOUR_MS;
    await running.clients.campaigns.updateCampaign({ campaignId, endsAt: timestampFromMs(laterMs) });
    await dialog.getByLabel("Name", { exact: true }).fill("Winter sale");
    await page.locator(".details", { hasText: new Date(laterMs).toISOString().slice(11, 16) }).waitFor();
    await dialog.getByRole("button", { name: "Check", exact: false }).click();
    await dialog.getByText("Winter sale").waitFor();
    expect(await dialog.locator("dl dt").allInnerTexts()).to.deep.equal(["Name"]);
    await dialog.getByRole("button", { name: "Edit", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    const edited = await campaignOf(campaignId);
    expect(edited?.name).to.equal("Winter sale");
    expect(edited?.endsAt && timestampMs(edited.endsAt)).to.equal(laterMs);

    // The other way round: an end that is changed leaves the other one's name.
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await dialog.waitFor();
    await running.clients.campaigns.updateCampaign({ campaignId, name: "Spring" });
    await dialog.getByRole("checkbox").uncheck();
    await page.locator(".page-head h1", { hasText: "Spring" }).waitFor();
    await dialog.getByRole("button", { name: "Check", exact: false }).click();
    await dialog.locator("dl").waitFor();
    expect(await dialog.locator("dl dt").allInnerTexts()).to.deep.equal(["End"]);
    await dialog.getByRole("button", { name: "Edit", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    const ended = await campaignOf(campaignId);
    expect([ended?.name, ended?.endsAt]).to.deep.equal(["Spring", undefined]);
  });

  it("judges a change anew when the campaign changes before it is confirmed", async () => {
    const campaignId = await scheduled();
    const page = await openAction(campaignId, "Pause");
    const dialog = page.getByRole("dialog");
    await dialog.locator("dl").waitFor();
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().includes("PauseCampaign")) asked += 1;
    });
    await running.clients.campaigns.pauseCampaign({ campaignId });
    await stateBadge(page, "Paused").waitFor();
    await dialog.getByText("already", { exact: false }).waitFor();
    expect(await dialog.locator("dl").count()).to.equal(0);
    // Once for each change, not once for each message of the stream.
    await running.clients.campaigns.updateCampaign({ campaignId, name: "Winter again" });
    expect(await until(async () => asked === 2, HANG_MS)).to.equal(true);
    await running.clients.campaigns.updateCampaign({ campaignId, name: "Winter for the third time" });
    await page.locator(".page-head h1", { hasText: "third" }).waitFor();
    expect(await until(async () => asked >= 3, HANG_MS)).to.equal(true);
    expect(asked).to.equal(3);
  });
});
