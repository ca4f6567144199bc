import axe from "axe-core";
import type { Page } from "playwright-core";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";

/** The pages of a campaign, behind its address. */
export const CAMPAIGN_PAGES: readonly string[] = [
  ...["", "/live", "/preflight", "/verify", "/stats", "/export", "/look-up", "/history", "/wall"],
];

/** The console's pages as an operator sees them, by their English texts. */
export async function signIn(page: Page, url: string, hash = "", key = OPERATOR_TOKEN): Promise<void> {
  await page.goto(`${url}/console/${hash}`);
  await page.getByLabel("Operator’s key or access token").fill(key);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** The campaign's state, as its page says it. */
export function stateBadge(page: Page, state: string) {
  return page.locator(".page-head .badge", { hasText: new RegExp(`^${state}$`) });
}

/** A figure of the campaign's page, such as "Issued". */
export function figure(page: Page, title: string, value: string) {
  const group = page.locator(".figures > div", { has: page.getByText(title, { exact: true }) });
  return group.locator("dd", { hasText: new RegExp(`^${value}$`) });
}

/** Opens an action's dialog and confirms it. */
export async function act(page: Page, action: string): Promise<void> {
  await page.getByRole("button", { name: action, exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: action, exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** Themes, languages and widths, so that each pair of them occurs. */
const LOOKS = [
  { colorScheme: "light", language: "en", width: 360 },
  { colorScheme: "dark", language: "ko", width: 360 },
  { colorScheme: "dark", language: "en", width: 1600 },
  { colorScheme: "light", language: "ko", width: 1600 },
] as const;

/** What axe-core finds wrong, and what is wider than the screen, in each look of the page as it is now. */
export async function violationsOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  await page.evaluate(axe.source);
  for (const { colorScheme, language, width } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    // By the page's own switch; a modal dialog makes it inert for a person, not for this.
    await page.locator(".bar-tools select").nth(1).evaluate(chooseLanguage, language);
    const { violations, tooWide } = await page.evaluate(judgePage);
    const look = `${colorScheme} ${language} ${width}`;
    found.push(...violations.map((violation) => `${look}: ${violation}`));
    if (tooWide) found.push(`${look}: the page is wider than the screen`);
  }
  await page.locator(".bar-tools select").nth(1).evaluate(chooseLanguage, "en");
  return found;
}

/** Runs in the page. */
function chooseLanguage(select: HTMLElement | SVGElement, language: string): void {
  if (!(select instanceof HTMLSelectElement)) throw new Error("no select");
  select.value = language;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Runs in the page. */
async function judgePage(): Promise<{ violations: string[]; tooWide: boolean }> {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const here = globalThis as unknown as { axe: typeof axe };
  const { violations } = await here.axe.run(document, { resultTypes: ["violations"] });
  const { scrollWidth, clientWidth } = document.documentElement;
  return {
    tooWide: scrollWidth > clientWidth,
    violations: violations.map(
      ({ id, nodes }) =>
        `${id} at ${nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`)}`,
    ),
  };
}
