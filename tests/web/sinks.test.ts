import { expect } from "chai";
import { en } from "../../web/console/i18n/en.ts";
import { sinksEn } from "../../web/console/i18n/sinks-en.ts";
import { withBrowser } from "../support/browser.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { openWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";
import { withStores } from "../support/with-stores.ts";
import { signIn, violationsOf } from "./console-page.ts";

describe("the console's pages about event sinks", () => {
  const stores = withStores();
  const browser = withBrowser();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let receiver: WebhookReceiver;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
    receiver = await openWebhookReceiver();
  });
  after(async () => {
    try {
      await services.end();
    } finally {
      await receiver.close();
    }
  });

  it("load when they are opened, and show how deliveries go: taken, refused, paused", async () => {
    const { page, troubles } = await browser.open({ locale: "en-GB", timezoneId: "Asia/Seoul" });
    const loaded: string[] = [];
    page.on("request", (request) => void loaded.push(request.url()));
    await signIn(page, service.url);
    expect(loaded.filter((url) => url.includes("/sink-pages-"))).to.deep.equal([]);
    await page.getByRole("link", { name: en["app.sinks"] }).click();
    await page.getByText(sinksEn["sinks.empty"]).waitFor();
    expect(loaded.filter((url) => url.includes("/sink-pages-"))).to.have.length(1);
    expect(await violationsOf(page), "no sink").to.deep.equal([]);

    await clients.events.addSink({ name: "crm", url: receiver.url });
    const campaignId = await createOpenCampaign(clients, { total: 3 });
    await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}0` });
    const row = page.locator("tbody tr", { has: page.getByRole("link", { name: "crm", exact: true }) });
    await row.getByText(sinksEn["sink.state.active"]).waitFor();
    // Neither the path of the receiver nor its secret.
    expect(await row.innerText()).not.to.match(/s3cret|whsec_/);
    await row.getByText("GMT+9").waitFor();

    receiver.answer = (response) => void response.writeHead(500).end("<img src=x onerror=broken=1>");
    await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}1` });
    await row.getByText(sinksEn["sink.state.failing"]).waitFor();
    await row.getByText("the receiver answered 500").waitFor();
    await row.getByText(/^1 event, /).waitFor();
    expect(await violationsOf(page), "a list with a sink that fails").to.deep.equal([]);

    await row.getByRole("link", { name: "crm", exact: true }).click();
    await page.getByRole("heading", { name: sinksEn["failing.title"] }).waitFor();
    expect(await violationsOf(page), "a sink that fails").to.deep.equal([]);
    await clients.events.pauseSink({ name: "crm" });
    await page.locator(".page-head .badge", { hasText: /^Paused$/ }).waitFor();
    await clients.events.removeSink({ name: "crm" });
    await page.getByText(sinksEn["sink.noSuch"]).waitFor();
    expect(troubles.filter((trouble) => !trouble.includes("Failed to load resource"))).to.deep.equal([]);
  });

  it("say so where the service is of a version without sinks", async () => {
    const { page } = await browser.open({ locale: "en-GB" });
    await page.route(/EventService\/ListSinks/, (route) => route.fulfill({ status: 404, body: "" }));
    await signIn(page, service.url, "#/sinks");
    await page.getByText(sinksEn["sinks.unimplemented"]).waitFor();
  });
});
