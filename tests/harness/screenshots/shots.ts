import type { BrowserContextOptions, Page } from "playwright-core";
import type { PhotographedScene } from "./scene.ts";

/** A picture: how its browser is, and how the page gets there. */
export type Shot = Pick<
  BrowserContextOptions,
  "locale" | "viewport" | "colorScheme" | "deviceScaleFactor"
> & {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly take: (page: Page, scene: PhotographedScene) => Promise<void>;
};

const LOCALES = [
  ["en", "en-GB"],
  ["ko", "ko-KR"],
] as const;
const DESKTOP = { width: 1_200, height: 675 };
const PHONE = { width: 390, height: 660 };

/** Far from typical, so that nobody takes the picture's user for one of the tests' or of a shop's. */
const USER = "mina";

async function launchEarly(page: Page, { url, campaigns }: PhotographedScene): Promise<void> {
  await page.goto(`${url}/launch/${campaigns.early}`);
  await page.waitForSelector("#user-id");
}

async function launchIssued(page: Page, { url, campaigns }: PhotographedScene): Promise<void> {
  await page.goto(`${url}/launch/${campaigns.open}`);
  await page.fill("#user-id", USER);
  await page.click("button.main");
  await page.waitForSelector(".code");
}

async function signIn(page: Page, { url, operatorToken }: PhotographedScene): Promise<void> {
  await page.goto(`${url}/console`);
  await page.fill("input[type=password]", operatorToken);
  await page.keyboard.press("Enter");
  await page.waitForSelector("a[href^='#/campaigns/']");
}

async function consoleCampaign(page: Page, scene: PhotographedScene): Promise<void> {
  await signIn(page, scene);
  await page.click(`a[href='#/campaigns/${scene.campaigns.open}']`);
  await page.waitForSelector("h1");
  // The stream's first message fills the page.
  await page.waitForSelector(".card");
}

const PAGES = [
  ["launch-early", launchEarly],
  ["launch-issued", launchIssued],
  ["console-list", signIn],
  ["console-campaign", consoleCampaign],
] as const;

export const SHOTS: readonly Shot[] = PAGES.flatMap(([page, take]) =>
  LOCALES.flatMap(([language, locale]) => [
    { name: `${page}-desktop-${language}`, locale, take, viewport: DESKTOP, colorScheme: "light" },
    { name: `${page}-phone-${language}`, locale, take, viewport: PHONE, colorScheme: "dark" },
  ]),
);
