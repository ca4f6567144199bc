import { randomBytes } from "node:crypto";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { ClaimAuth } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { withBrowser } from "../support/browser.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../support/claim-credentials.ts";
import { connectClients } from "../support/clients.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";
import { signIn, violationsOf } from "./console-page.ts";

const APART = { OPERATORS_PORT: "0", OPERATORS_GRPC_PORT: "0", HEALTH_PORT: "0" };
const user = `${KEY_PREFIX}홍길동`;
const requestId = `${KEY_PREFIX}request`;

describe("console: look-up where the callers' service is out of reach of operators", () => {
  const stores = withStores();
  const browser = withBrowser();
  const secret = randomBytes(32).toString("hex");
  const bearer = `Bearer ${secretMaker(secret).sign(claimsOf(user))}`;
  let services: Services;

  before(() => {
    services = createServices(stores.env);
  });
  after(() => services.end());

  /** Where callers claim, and where operators have their console. */
  function addresses({ url, addresses: { operators } }: Service) {
    return { callers: url, console: operators ?? url };
  }

  /** Looks up by a key; resolves once the page has asked the service and shows the answer. */
  async function look(page: Page, by: string, given: string, beside?: string): Promise<string> {
    await page.getByRole("radio", { name: by }).check();
    await page.getByRole("textbox", { name: by }).fill(given);
    if (beside !== undefined) await page.getByRole("textbox", { name: "User id" }).fill(beside);
    const answered = page.waitForResponse((response) => response.url().endsWith("/FindIssuance"));
    await page.keyboard.press("Enter");
    await answered;
    await page.locator(".answer > *").first().waitFor();
    await page.locator("button[type=submit]:not([aria-busy=true])").waitFor();
    return page.locator(".answer").innerText();
  }

  for (const [name, env] of [
    ["OPERATORS_PORT", APART],
    ["CLAIM_AUTH=token", { CLAIM_AUTH: "token" }],
    ["both", { ...APART, CLAIM_AUTH: "token" }],
  ] as const)
    it(`finds by code, user and request, and says what is not found: ${name}`, async () => {
      const tokens = { CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: AUDIENCE };
      const service = addresses(await services.start({ env: { ...env, ...tokens } }));
      const operators = connectClients(service.console);
      const { coupons } = connectClients(service.callers, { token: null });
      const headers = { authorization: bearer };
      const made = await Promise.all(
        [true, false].map(async (onePerUser) => {
          const campaignId = await createOpenCampaign(operators, { total: 3, onePerUser });
          const isOpen = !("CLAIM_AUTH" in env);
          const claim = { campaignId, userId: user, ...(onePerUser ? {} : { requestId }) };
          const { coupon } = await coupons.issueCoupon(claim, isOpen ? {} : { headers });
          return { campaignId, code: coupon?.code ?? expect.fail("no coupon"), isOpen };
        }),
      );
      const [perUser, perRequest] = made;
      if (perUser === undefined || perRequest === undefined) throw new Error("no campaigns");

      const { page, context, troubles } = await browser.open({ locale: "en-GB" });
      const asked: string[] = [];
      page.on("request", (request) => {
        const [, method] = /coupon\.v1\.(\w+\/Find\w+)$/.exec(request.url()) ?? [];
        if (method !== undefined) asked.push(method);
      });
      await signIn(page, service.console, `#/campaigns/${perUser.campaignId}/look-up`);
      expect(await look(page, "Code", perUser.code))
        .to.include(perUser.code)
        .and.include(user);
      expect(await look(page, "Code", "가나다라마바0000")).to.include("was not issued");
      const byUser = await look(page, "User id", user);
      expect(byUser).to.include(perUser.code).and.include(perUser.campaignId);
      expect(await look(page, "User id", "nobody")).to.include(
        "No coupon of this campaign went to the user “nobody”.",
      );
      const pasted = await look(page, "User id", ` ${user.normalize("NFD")} `);
      expect(pasted).to.include(perUser.code).and.include("Not found as given");
      await page.getByRole("radio", { name: "Request id" }).check();
      await page.locator("p.quiet", { hasText: "This campaign gives one coupon to each user" }).waitFor();

      await page.goto(`${service.console}/console/#/campaigns/${perRequest.campaignId}/look-up`);
      await page.getByRole("radio", { name: "User id" }).check();
      if (perRequest.isOpen) {
        await page.locator("p.quiet", { hasText: "gives coupons by request id, not by user" }).waitFor();
        const found = await look(page, "Request id", requestId);
        expect(found).to.include(perRequest.code).and.include(user);
        expect(await look(page, "Request id", "nothing")).to.include("went to the request “nothing”");
      } else {
        const found = await look(page, "User id", user);
        expect(found).to.include(perRequest.code).and.include(requestId);
        expect(await look(page, "User id", "nobody")).to.include("went to the user “nobody”");
        const alone = await look(page, "Request id", requestId);
        expect(alone).to.include("enter the user id, too").and.not.include(perRequest.code);
        const both = await look(page, "Request id", requestId, user);
        expect(both).to.include(perRequest.code).and.include(user);
        expect(await look(page, "Request id", "nothing", user)).to.include("went to the request “nothing”");
      }
      expect(await violationsOf(page)).to.deep.equal([]);
      expect(new Set(asked)).to.deep.equal(new Set(["CampaignService/FindIssuance"]));
      // The browser reports each answer of "not found" or "invalid" by itself.
      const own = troubles.filter((trouble) => !/40[04] \((Not Found|Bad Request)\)/.test(trouble));
      expect(own).to.deep.equal([]);
      await context.close();
    });

  it("a campaign of its own that demands tokens, where the deployment demands nothing", async () => {
    const tokens = { CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: AUDIENCE };
    const service = addresses(await services.start({ env: tokens }));
    const clients = connectClients(service.console);
    const campaignId = await createOpenCampaign(clients, { total: 1, claimAuth: ClaimAuth.TOKEN });
    const { coupons } = connectClients(service.callers, { token: null });
    const { coupon } = await coupons.issueCoupon({ campaignId }, { headers: { authorization: bearer } });
    const { page, context } = await browser.open({ locale: "en-GB" });
    await signIn(page, service.console, `#/campaigns/${campaignId}/look-up`);
    expect(await look(page, "User id", user)).to.include(coupon?.code);
    await context.close();
  });
});
