import { randomBytes } from "node:crypto";
import type { Page } from "playwright-core";
import { until } from "../../../local/poll.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { HANG_MS } from "../../support/patience.ts";
import { createServices, type Services } from "../../support/service.ts";
import type { TestStores } from "../../support/shared-stores.ts";

/** A service with the launch page on, for the tests of one `describe`. */
export type LaunchService = {
  readonly url: string;
  readonly clients: Clients;
  /** The address of a campaign's page; with a user, with a token of that user. */
  pageOf(campaignId: string, user?: string): string;
  tokenOf(user: string, more?: object): string;
};

export function withLaunchService(stores: TestStores): LaunchService {
  const secret = randomBytes(32).toString("hex");
  let services: Services;
  let opened: { readonly url: string; readonly clients: Clients } | undefined;
  before("service: start", async () => {
    services = createServices(stores.env);
    const { url } = await services.start({
      env: { PUBLIC_LAUNCH_PAGE: "on", CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: AUDIENCE },
    });
    opened = { url, clients: connectClients(url) };
  });
  after("service: end", () => services.end());

  const now = () => {
    if (opened === undefined) throw new Error("withLaunchService: before the first hook");
    return opened;
  };
  const tokenOf = (user: string, more: object = {}) => secretMaker(secret).sign(claimsOf(user, more));
  return {
    get url() {
      return now().url;
    },
    get clients() {
      return now().clients;
    },
    pageOf: (campaignId, user) =>
      `${now().url}/launch/${campaignId}${user === undefined ? "" : `#token=${tokenOf(user)}`}`,
    tokenOf,
  };
}

/** The title of what the page shows. */
export const titleOf = (page: Page) => page.locator("h1").innerText();

/** Waits until the page shows one of the titles; resolves with it. */
export async function untilTitle(page: Page, ...titles: readonly string[]): Promise<string> {
  let last = "";
  const isThere = async () => {
    last = await titleOf(page);
    return titles.includes(last);
  };
  if (await until(isThere, HANG_MS, 20)) return last;
  throw new Error(`the page shows "${last}", not ${titles.join(" or ")}`);
}

export const mainButton = (page: Page) => page.locator("button.main");

/** The code that the page shows; undefined: none. */
export async function codeIn(page: Page): Promise<string | undefined> {
  const code = page.locator(".code");
  return (await code.count()) === 0 ? undefined : ((await code.textContent()) ?? undefined);
}

/** Counts the requests of a page for a method. */
export function countCalls(page: Page, method: string): () => number {
  let calls = 0;
  page.on("request", (request) => {
    if (request.url().includes(`/coupon.v1.CouponService/${method}`)) calls += 1;
  });
  return () => calls;
}
