import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../../local/poll.ts";
import { CampaignSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { type Listed, withNewest, withNextPage } from "../../web/console/pages/listed.ts";
import { withBrowser } from "../support/browser.ts";
import { createCampaign } from "../support/campaign.ts";
import { HANG_MS } from "../support/patience.ts";
import { withService } from "../support/with-service.ts";
import { signIn } from "./console-page.ts";

const HOUR_MS = 3_600_000;
/** The list asks again by itself after so long. */
const REFRESH_MS = 10_000;
const LIST = /CampaignService\/ListCampaigns/;

function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("console: the pages of the list of campaigns", () => {
  const listed = (names: string, nextPageToken = "", state = 0): Listed => ({
    campaigns: [...names].map((id) => create(CampaignSchema, { id, issued: state })),
    nextPageToken,
  });
  const shown = ({ campaigns, nextPageToken }: Listed) => [
    campaigns.map(({ id, issued }) => (issued === 0 ? id : `${id}${issued}`)).join(" "),
    nextPageToken,
  ];

  it("are shown one behind the other", () => {
    const first = withNextPage(undefined, listed("fe", "e"));
    expect(shown(first)).to.deep.equal(["f e", "e"]);
    expect(shown(withNextPage(first, listed("dc", "c")))).to.deep.equal(["f e d c", "c"]);
  });

  it("the newest one replaces itself, with what is new and what has changed, and no campaign comes twice", () => {
    expect(shown(withNewest(undefined, listed("fe", "e"), 2))).to.deep.equal(["f e", "e"]);
    // All of the only page: what was removed meanwhile is gone, and the way to more is the newest one.
    expect(shown(withNewest(listed("fe", "e"), listed("gf", "f"), 2))).to.deep.equal(["g f", "f"]);
    expect(shown(withNewest(listed("fe"), listed("f"), 2))).to.deep.equal(["f", ""]);
    // Older pages stay, and so does the way to those behind them.
    const two = listed("fedc", "c");
    expect(shown(withNewest(two, listed("gf", "f", 3), 2))).to.deep.equal(["g3 f3 e d c", "c"]);
    expect(shown(withNewest(two, listed("fe", "e", 3), 2))).to.deep.equal(["f3 e3 d c", "c"]);
  });
});

describe("console: the list of campaigns refreshes by itself", () => {
  const running = withService();
  const browser = withBrowser();

  async function created(name: string): Promise<string> {
    return (await createCampaign(running.clients, { name, total: 10, startsAtMs: Date.now() + HOUR_MS })).id;
  }

  const entry = (page: Page, id: string) => page.locator(`a[href='#/campaigns/${id}']`);

  /** The list, on a clock that the test can move on. */
  async function openList(id: string): Promise<Page> {
    const { page } = await browser.open({ locale: "en-GB" });
    await page.clock.install();
    await signIn(page, running.service.url);
    await entry(page, id).waitFor();
    return page;
  }

  it("shows a new campaign; while nobody sees the page it asks for nothing", async () => {
    const page = await openList(await created("first"));
    let asked = 0;
    await page.route(LIST, (route) => {
      asked++;
      return route.continue();
    });
    const hide = (state: string) =>
      page.evaluate(
        `Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true })`,
      );
    await hide("hidden");
    const second = await created("second");
    await page.clock.fastForward(REFRESH_MS);
    expect(asked).to.equal(0);
    await hide("visible");
    await page.clock.fastForward(REFRESH_MS);
    await entry(page, second).waitFor();
    expect(asked).to.equal(1);
  });

  it("an answer that comes after that of a later question counts no more, nor does its failure", async () => {
    const page = await openList(await created("shown"));
    for (const fails of [false, true]) {
      const answered = gate();
      const released = gate();
      let isFirst = true;
      await page.route(LIST, async (route) => {
        if (!isFirst) return route.continue();
        isFirst = false;
        const old = await route.fetch();
        answered.open();
        await released.opened;
        await (fails ? route.abort("connectionfailed") : route.fulfill({ response: old }));
      });
      const begun = page.waitForRequest(LIST);
      const old = begun.then((request) => request.response().catch(() => null));
      await page.clock.fastForward(REFRESH_MS);
      await answered.opened;
      const newer = await created(`newer, ${fails}`);
      await page.getByRole("button", { name: "Refresh" }).click();
      await entry(page, newer).waitFor();
      released.open();
      await old;
      // The page has heard of it by now, and drawn what it made of it.
      await page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))");
      expect(await entry(page, newer).isVisible()).to.equal(true);
      expect(await page.getByRole("alert").count()).to.equal(0);
      await page.unroute(LIST);
    }
  });

  it("a list that cannot be refreshed says so, keeps what it shows, and recovers by itself", async () => {
    const id = await created("kept");
    const { page } = await browser.open({ locale: "en-GB" });
    await signIn(page, running.service.url);
    const entry = page.locator(`a[href='#/campaigns/${id}']`);
    await entry.waitFor();
    let isCut = true;
    await page.route(/CampaignService\/ListCampaigns/, (route) =>
      isCut ? route.abort("connectionfailed") : route.continue(),
    );
    await page.getByRole("alert").getByText("The service cannot be reached.").waitFor();
    expect(await entry.isVisible()).to.equal(true);
    isCut = false;
    expect(await until(async () => (await page.getByRole("alert").count()) === 0, HANG_MS)).to.equal(true);
  });
});
