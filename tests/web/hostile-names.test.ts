import { expect } from "chai";
import type { Page } from "playwright-core";
import { withBrowser } from "../support/browser.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { withService } from "../support/with-service.ts";
import { CAMPAIGN_PAGES, signIn, violationsOf } from "./console-page.ts";

const HOUR_MS = 3_600_000;
/** As long as the service takes them; the first two cannot be broken at a blank. */
const NAMES = {
  "long Korean": "가".repeat(200),
  "long Latin": "W".repeat(200),
  "right to left": `\u202e${"חורף שלום ".repeat(19)}`,
} as const;

describe("the operators' console with names that are hard to show", () => {
  const running = withService();
  const browser = withBrowser();

  async function scheduled(name: string): Promise<string> {
    const { id } = await createCampaign(running.clients, {
      name,
      total: 1_000,
      startsAtMs: Date.now() + HOUR_MS,
    });
    await untilState(running.clients, id, "SCHEDULED");
    return id;
  }

  /** What of the page reaches beyond a narrow screen. */
  async function tooWide(page: Page): Promise<string[]> {
    return (await page.evaluate(`[...document.querySelectorAll("body *")]
      .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .filter((one) => !one.closest(".visually-hidden, canvas, svg, .uplot, .toasts"))
      .map((one) => one.tagName + "." + one.className + ": " + one.textContent.slice(0, 30))`)) as string[];
  }

  for (const [kind, name] of Object.entries(NAMES))
    it(`${kind}: every page fits on a screen of 360 px, in both languages`, async () => {
      const id = await scheduled(name);
      await running.clients.campaigns.updateCampaign({
        campaignId: id,
        name: `${[...name].slice(0, 199).join("")}!`,
      });
      const { page, troubles } = await browser.open({
        locale: "en-GB",
        viewport: { width: 360, height: 740 },
      });
      await signIn(page, running.service.url);
      await page.locator(`a[href='#/campaigns/${id}']`).waitFor();
      for (const language of ["ko", "en"]) {
        await page.locator(".bar-tools select").nth(1).selectOption(language);
        await page.evaluate("location.hash = '#/'");
        await page.locator(`a[href='#/campaigns/${id}']`).waitFor();
        expect(await tooWide(page), `${language}: the list`).to.deep.equal([]);
        for (const path of CAMPAIGN_PAGES) {
          await page.evaluate(`location.hash = "#/campaigns/${id}${path}"`);
          const tab = `nav.tabs a[aria-current=page][href="#/campaigns/${id}${path}"]`;
          await page.locator(path === "/wall" ? ".wall h1" : tab).waitFor();
          if (path === "/history") await page.locator("tbody tr").nth(1).waitFor();
          expect(await tooWide(page), `${language} ${path}`).to.deep.equal([]);
        }
      }
      await page.evaluate(`location.hash = "#/campaigns/${id}"`);
      await page.getByRole("button", { name: "Edit", exact: true }).click();
      await page.getByRole("dialog").waitFor();
      expect(await tooWide(page), "a dialog").to.deep.equal([]);
      expect(await violationsOf(page), "a dialog").to.deep.equal([]);
      expect(troubles).to.deep.equal([]);
    });

  it("a dialog whose call is under way stays, however often Escape is pressed, and closes afterwards", async () => {
    const id = await scheduled("held");
    const { page } = await browser.open({ locale: "en-GB" });
    await signIn(page, running.service.url, `#/campaigns/${id}`);
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Pause", exact: true });
    await confirm.waitFor();
    await page.route(/CampaignService\/PauseCampaign/, async (route) => {
      await held;
      await route.continue();
    });
    await confirm.click();
    await dialog.locator("[aria-busy=true]").waitFor();
    for (let press = 0; press < 4; press++) await page.keyboard.press("Escape");
    expect(await dialog.isVisible()).to.equal(true);
    goOn();
    await dialog.waitFor({ state: "detached" });
    await untilState(running.clients, id, "PAUSED");
  });
});
