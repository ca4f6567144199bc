import { expect } from "chai";
import { withBrowser } from "../support/browser.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { withService } from "../support/with-service.ts";
import { CAMPAIGN_PAGES, signIn } from "./console-page.ts";

const HOUR_MS = 3_600_000;
const PHONE = { width: 360, height: 740 };
const ACTIONS = ["Pause", "Reschedule", "Add coupons", "Edit", "Cancel campaign"];

/** Parts of the dialog that reach beyond it, where they are cut off or scrolled to. */
const BEYOND_DIALOG = `(() => {
  const dialog = document.querySelector("dialog");
  const { right } = dialog.getBoundingClientRect();
  return [...dialog.querySelectorAll("*")]
    .filter((part) => part.getBoundingClientRect().right > right)
    .map((part) => part.tagName + ": " + part.textContent.slice(0, 60));
})()`;
const SCREEN = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]";

describe("the operators' console on a phone", () => {
  const running = withService();
  const browser = withBrowser();
  let campaignId: string;

  before(async () => {
    const wanted = { name: "Winter", total: 1_000, startsAtMs: Date.now() + 100 * HOUR_MS };
    campaignId = (await createCampaign(running.clients, wanted)).id;
    await untilState(running.clients, campaignId, "SCHEDULED");
  });

  for (const [language, fontPx] of [
    ["en", 16],
    ["ko", 16],
    ["en", 32],
    ["ko", 32],
  ] as const)
    it(`${language}: with a font of ${fontPx} px no page is wider than the screen, and no dialog than itself`, async () => {
      const { page } = await browser.open({ locale: "en-GB", viewport: PHONE });
      await signIn(page, running.service.url);
      await page.evaluate(`document.documentElement.style.fontSize = "${fontPx}px"`);
      const choose = (chosen: string) => page.locator(".bar-tools select").nth(1).selectOption(chosen);
      await choose(language);
      for (const path of ["/new", ...CAMPAIGN_PAGES.map((tab) => `/campaigns/${campaignId}${tab}`)]) {
        await page.evaluate(`location.hash = "#${path}"`);
        const shown = path.endsWith("/wall") ? ".wall h1" : `nav.tabs a[aria-current=page][href="#${path}"]`;
        await page
          .locator(path === "/new" ? "form input[type=datetime-local]" : shown)
          .first()
          .waitFor();
        expect(await page.evaluate(SCREEN), path).to.deep.equal([PHONE.width, PHONE.width]);
      }
      await page.evaluate(`location.hash = "#/campaigns/${campaignId}"`);
      for (const [at, action] of ACTIONS.entries()) {
        // By their place: the texts are in either language, and the action that is disabled is left out.
        const button = page.locator("fieldset.actions button:not([aria-disabled=true])").nth(at);
        await button.click();
        const dialog = page.getByRole("dialog");
        await dialog.locator("form").waitFor();
        expect(await page.evaluate(BEYOND_DIALOG), action).to.deep.equal([]);
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
      }
    });
});
