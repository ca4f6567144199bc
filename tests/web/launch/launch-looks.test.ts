import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "chai";
import type { Page } from "playwright-core";
import type { Words } from "../../../web/launch/words.ts";
import { EN } from "../../../web/launch/words-en.ts";
import { KO } from "../../../web/launch/words-ko.ts";
import { withBrowser } from "../../support/browser.ts";
import { createCampaign, createOpenCampaign, untilState } from "../../support/campaign.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { withStores } from "../../support/with-stores.ts";
import { mainButton, untilTitle, withLaunchService } from "./launch-service.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LOCALES: readonly (readonly [string, Words])[] = [
  ["en-GB", EN],
  ["ko-KR", KO],
];
const PHONE = { width: 360, height: 640 };
const AN_HOUR_MS = 3_600_000;

/** Where the parts of the page are, how wide it is, and how much of it moves. */
const PLACES = `[
  ...[".message", ".slot", ".under", "main"].map((part) => document.querySelector(part).getBoundingClientRect().top),
  document.querySelector("main").getBoundingClientRect().height,
  document.documentElement.scrollWidth,
  document.getAnimations().length,
]`;

/** Texts that lie over the part below theirs, or outside of the card. */
const OVERLAPS = `(() => {
  const boxOf = (element) => element.getBoundingClientRect();
  const card = boxOf(document.querySelector("main"));
  const parts = [...document.querySelector("form").children];
  const found = parts.flatMap((part, at) => {
    const boxes = [...part.querySelectorAll("*")].map(boxOf).filter(({ width }) => width > 1);
    const bottom = Math.max(...boxes.map(({ bottom }) => bottom));
    const right = Math.max(...boxes.map(({ right }) => right));
    const isOver = at + 1 < parts.length && bottom > boxOf(parts[at + 1]).top + 1;
    return isOver || right > card.right ? [part.className] : [];
  });
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [...found, "the page is wider than the screen"] : found;
})()`;

/** Shows a text in the page's message. */
const MESSAGE = `(texts) => {
  const message = document.querySelector(".message");
  [...message.children].forEach((part, at) => { part.textContent = texts[at]; });
}`;

/** How often a live region changes while the digits of the countdown do three times. */
const CHATTER = `(async () => {
  let changes = 0;
  for (const live of document.querySelectorAll("[role=status]"))
    new MutationObserver(() => (changes += 1)).observe(live, { subtree: true, childList: true, characterData: true });
  const seen = new Set();
  while (seen.size < 3) {
    seen.add(document.querySelector(".digits").textContent);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return changes;
})()`;

type Violation = { readonly id: string; readonly nodes: readonly { readonly html: string }[] };

describe("the looks of the launch page", () => {
  const stores = withStores();
  const service = withLaunchService(stores);
  const browser = withBrowser();
  let users = 0;
  let early: string;
  let openNow: string;

  before("campaigns", async () => {
    const { clients } = service;
    early = (await createCampaign(clients, { total: 1, startsAtMs: Date.now() + 30 * 24 * AN_HOUR_MS })).id;
    openNow = await createOpenCampaign(clients, { total: 100 });
    await untilState(clients, early, "SCHEDULED");
  });

  /** A page in each of its states, one after the other. */
  async function throughStates(
    page: Page,
    words: Words,
    look: (state: string) => Promise<void>,
  ): Promise<void> {
    const title = (name: keyof Words["scenes"]) => words.scenes[name][0];
    const press = async (state: keyof Words["scenes"]) => {
      await page.fill("#user-id", `${KEY_PREFIX}${users++}`);
      await mainButton(page).click();
      await untilTitle(page, title(state));
      await look(state);
    };
    await page.goto(service.pageOf(early));
    await untilTitle(page, title("early"));
    await look("early");
    await press("queued");
    await page.goto(service.pageOf(openNow));
    await untilTitle(page, title("open"));
    await look("open");
    await press("issued");
    await page.fill("#typed-back", "가나다");
    await look("typed");
    await page.goto(service.pageOf("0".repeat(26)));
    await untilTitle(page, title("unknownCampaign"));
    await look("unknownCampaign");
  }

  for (const [locale, words] of LOCALES) {
    for (const colorScheme of ["light", "dark"] as const)
      it(`${locale}, ${colorScheme}: axe finds nothing in any state`, async () => {
        const { page, troubles } = await browser.open({ locale, colorScheme });
        await throughStates(page, words, async (state) => {
          await page.evaluate(AXE);
          const found = (await page.evaluate(
            "axe.run().then(({ violations }) => violations)",
          )) as Violation[];
          expect(
            found.map(({ id, nodes }) => `${state}: ${id} ${nodes.map(({ html }) => html)}`),
          ).to.deep.equal([]);
          expect(await page.evaluate(() => document.documentElement.lang)).to.equal(words.lang);
        });
        // Refusals: not started, and no such campaign.
        expect(troubles.filter((one) => !/status of 40[04]/.test(one))).to.deep.equal([]);
      });

    it(`${locale}: nothing moves from state to state, and everything fits on a narrow phone`, async () => {
      const { page } = await browser.open({ locale, viewport: PHONE, reducedMotion: "reduce" });
      const places = new Map<string, unknown>();
      await throughStates(page, words, async (state) => {
        places.set(state, await page.evaluate(PLACES));
      });
      const first = places.get("early");
      for (const [state, place] of places) expect(place, state).to.deep.equal(first);
      expect((first as number[]).slice(-2)).to.deep.equal([PHONE.width, 0]);

      const tooLong = await page.evaluate((scenes) => {
        const message = document.querySelector<HTMLElement>(".message");
        const slot = document.querySelector<HTMLElement>(".slot");
        const parts = [message?.querySelector("h1"), message?.querySelector("p")];
        return scenes.filter((texts) => {
          parts.forEach((part, i) => {
            if (part) part.textContent = texts[i] ?? "";
          });
          const end = message?.getBoundingClientRect().bottom ?? 0;
          return end > (slot?.getBoundingClientRect().top ?? 0);
        });
      }, Object.values(words.scenes));
      expect(tooLong).to.deep.equal([]);
    });
  }

  // 320 px: 400 % of 1280. 32 px: a font of twice the usual size.
  for (const [locale, words] of LOCALES)
    for (const [width, fontPx] of [
      [320, 16],
      [360, 24],
      [360, 32],
      [256, 32],
    ] as const)
      it(`${locale}: at ${width} px with a font of ${fontPx} px no text lies over another`, async () => {
        const { page } = await browser.open({ locale, viewport: { width, height: 640 } });
        await throughStates(page, words, async (state) => {
          await page.evaluate(`document.documentElement.style.fontSize = "${fontPx}px"`);
          expect(await page.evaluate(OVERLAPS), state).to.deep.equal([]);
        });
        for (const [name, texts] of Object.entries(words.scenes)) {
          await page.evaluate(`(${MESSAGE})(${JSON.stringify(texts)})`);
          expect(await page.evaluate(OVERLAPS), name).to.deep.equal([]);
        }
      });

  it("changes its language at a press, and keeps its place", async () => {
    const { page } = await browser.open({ locale: "fr-FR" });
    await page.goto(service.pageOf(early));
    await untilTitle(page, EN.scenes.early[0]);
    await page.getByRole("button", { name: KO.ownName }).click();
    await untilTitle(page, KO.scenes.early[0]);
    expect(await page.title()).to.equal(`${KO.scenes.early[0]} · ${KO.page}`);
  });

  it("tells a screen reader what changes, and not each second", async () => {
    const { page } = await browser.open({ locale: "en-GB" });
    await page.goto(service.pageOf(early));
    await untilTitle(page, EN.scenes.early[0]);
    const told = await page.evaluate(CHATTER);
    expect(told).to.equal(0);
    expect(await page.getByRole("timer").getAttribute("aria-live")).to.equal("off");
  });
});
