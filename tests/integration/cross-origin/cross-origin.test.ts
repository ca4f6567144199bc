import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { build } from "esbuild";
import type { Page as BrowserPage, CDPSession } from "playwright-core";
import { repositoryDir } from "../../../local/repository.ts";
import { type OpenedPage, withBrowser } from "../../support/browser.ts";
import { createOpenCampaign } from "../../support/campaign.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { connectClients } from "../../support/clients.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { withStores } from "../../support/with-stores.ts";
import type { Page, PageTransport } from "./page.ts";

const TRANSPORTS: readonly PageTransport[] = ["Connect, JSON", "Connect, binary", "gRPC-Web"];
const COUPON = /^\{"code":"[^"]+"\}$/;

/** The server of pages: what it serves calls a service of another origin. */
async function servePages(): Promise<{ readonly server: Server; readonly port: number }> {
  const entry = join(repositoryDir, "tests", "integration", "cross-origin", "page.ts");
  const { outputFiles } = await build({
    entryPoints: [entry],
    ...{ bundle: true, write: false, format: "iife", platform: "browser" },
  });
  const script = outputFiles?.[0]?.text ?? "";
  const server = createServer(({ url }, response) => {
    response.setHeader("content-type", url === "/page.js" ? "text/javascript" : "text/html; charset=utf-8");
    response.end(url === "/page.js" ? script : '<!doctype html><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** Passes requests on to a service, and notes the method of each. */
async function forwardTo(target: string) {
  const methods: string[] = [];
  const server = createServer((asked, response) => {
    const { method = "", url = "", headers } = asked;
    methods.push(method);
    const passed = request(new URL(url, target), { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, methods, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("A page of another origin, in Chromium", function () {
  this.timeout(3 * HANG_MS);
  const stores = withStores();
  const browser = withBrowser();
  const dir = temporaryDir();
  let pages: Awaited<ReturnType<typeof servePages>>;
  let services: Services;
  let plain: Service;
  let campaignId: string;
  let users = 0;

  before(async () => {
    pages = await servePages();
    services = createServices({
      ...stores.env,
      ...{ ALLOWED_ORIGINS: originOf("shop.test"), OPERATOR_ORIGINS: originOf("console.test") },
    });
    plain = await services.start();
    campaignId = await createOpenCampaign(connectClients(plain.url), { total: 20 });
  });
  after(async () => {
    await services?.end();
    await new Promise((resolve) => pages?.server.close(resolve));
    dir.remove();
  });

  const originOf = (host: string) => `http://${host}:${pages.port}`;
  const nextUser = () => `${KEY_PREFIX}${++users}`;

  async function pageAt(host: string): Promise<OpenedPage> {
    const opened = await browser.open({ ignoreHTTPSErrors: true });
    await opened.page.goto(originOf(host));
    return opened;
  }
  /** Calls a function of page.ts there. */
  const call = (at: BrowserPage, name: keyof Page, ...given: readonly string[]) =>
    at.evaluate(
      ([method, args]) =>
        (globalThis as unknown as { page: Record<string, (...all: readonly string[]) => unknown> }).page[
          method
        ]?.(...args),
      [name, given] as const,
    );

  async function claims(at: BrowserPage, url: string, campaign = campaignId): Promise<string[]> {
    const reads = [await call(at, "claimByFetch", url, campaign, nextUser())];
    for (const name of TRANSPORTS) reads.push(await call(at, "claim", name, url, campaign, nextUser()));
    return reads.map((read) => JSON.stringify(read));
  }

  it("claims where its origin is listed, over every transport of browsers, and reads refusals", async () => {
    const { page, troubles } = await pageAt("shop.test");
    for (const read of await claims(page, plain.url)) expect(read).to.match(COUPON);
    expect(troubles).to.deep.equal([]);
    for (const read of await claims(page, plain.url, "01J00000000000000000000000"))
      expect(read).to.match(/^\{"reason":"(REFUSAL_REASON_)?UNKNOWN_CAMPAIGN"\}$/);
  });

  it("asks whether it may call once, and not again for each claim", async () => {
    const { page } = await pageAt("shop.test");
    const { server, url, methods } = await forwardTo(plain.url);
    try {
      for (let i = 0; i < 3; i++) await call(page, "claimByFetch", url, campaignId, nextUser());
      expect(methods).to.deep.equal(["OPTIONS", "POST", "POST", "POST"]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("is refused by the browser where it is not, and nothing is issued", async () => {
    const issued = async () =>
      (await connectClients(plain.url).campaigns.getCampaign({ campaignId })).campaign?.issued;
    const before = await issued();
    for (const host of ["evil.test", "localhost"]) {
      const { page, troubles } = await pageAt(host);
      for (const read of await claims(page, plain.url)) expect(read).to.match(/unread.*Failed to fetch/);
      expect(troubles.join("\n")).to.include("blocked by CORS policy");
    }
    expect(await issued()).to.equal(before);
  });

  it("operates campaigns where it is listed for that, and nowhere else", async () => {
    const { page } = await pageAt("console.test");
    expect(await call(page, "operate", plain.url, OPERATOR_TOKEN)).to.equal(200);
    for (const read of await claims(page, plain.url)) expect(read).to.match(/unread.*Failed to fetch/);
    const { page: shop } = await pageAt("shop.test");
    expect(await call(shop, "operate", plain.url, OPERATOR_TOKEN)).to.match(/Failed to fetch/);
  });

  it("claims over TLS, where a browser speaks HTTP/2", async () => {
    const { certFile, keyFile } = makeCertificates(dir.path);
    const { url } = await services.start({ env: { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } });
    const { page, context } = await pageAt("shop.test");
    const protocols = new Set<unknown>();
    const session: CDPSession = await context.newCDPSession(page);
    await session.send("Network.enable");
    session.on("Network.responseReceived", ({ response }) => {
      // The page's own icon comes from a server without TLS.
      if (response.url.startsWith(url)) protocols.add(response.protocol);
    });
    for (const read of await claims(page, url)) expect(read).to.match(COUPON);
    expect([...protocols]).to.deep.equal(["h2"]);
    const { page: evil } = await pageAt("evil.test");
    for (const read of await claims(evil, url)) expect(read).to.match(/unread.*Failed to fetch/);
  });
});
