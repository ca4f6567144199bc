import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { chromiumProgram } from "../../setup/chromium.mjs";
import { HANG_MS } from "./patience.ts";

/** A page in a profile of its own: no storage, no cookies, no cache of another. */
export type OpenedPage = {
  readonly page: Page;
  readonly context: BrowserContext;
  /**
   * What the page reported, in order: errors and warnings of its console, such as a violation of its
   * Content-Security-Policy, and exceptions that nothing caught.
   */
  readonly troubles: readonly string[];
};

export type TestBrowser = {
  /**
   * Opens an empty page, which is closed after the test. Its waits fail after HANG_MS.
   * @param options such as `locale`, `timezoneId`, `viewport`, `colorScheme`, `offline`
   */
  open(options?: BrowserContextOptions): Promise<OpenedPage>;
};

/**
 * Names that end in .test lead to this machine, for pages of several origins; no other name leads anywhere,
 * so that a page under test reaches nothing outside. Only those of loopback are secure contexts.
 */
const NAMES = "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1";

export type BrowserHosts = Readonly<Record<string, number>>;

/**
 * Headless Chromium for the tests of one `describe`, started once for all of them. Its pages are closed after
 * each test, before what an outer `describe` closes.
 * @param hosts names that lead to a port of this machine, whichever port an address has; asked at the start
 */
export function withBrowser(hosts: () => Promise<BrowserHosts> = async () => ({})): TestBrowser {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];

  before("browser: start", async () => {
    const executablePath = chromiumProgram();
    if (executablePath === undefined)
      throw new Error("no chromium on the PATH: run `npm run setup -- --browser`");
    const own = Object.entries(await hosts()).map(([name, port]) => `MAP ${name} 127.0.0.1:${port}, `);
    const args = ["--no-sandbox", `--host-resolver-rules=${own.join("")}${NAMES}`];
    browser = await chromium.launch({ executablePath, args, timeout: HANG_MS });
  });
  afterEach("browser: close pages", async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
  });
  after("browser: end", () => browser?.close());

  return {
    async open(options = {}) {
      if (browser === undefined) throw new Error("withBrowser: before the first hook");
      const context = await browser.newContext(options);
      contexts.push(context);
      context.setDefaultTimeout(HANG_MS);
      const page = await context.newPage();
      const troubles: string[] = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()))
          troubles.push(`${message.type()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => void troubles.push(`uncaught: ${error.message}`));
      return { page, context, troubles };
    },
  };
}
