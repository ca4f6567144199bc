import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { type OpenedPage, withBrowser } from "./browser.ts";
import { HANG_MS } from "./patience.ts";

const PAGE = `<!doctype html><title>쿠폰</title><script>console.log("fine")</script>`;

describe("the browser of the tests", () => {
  const browser = withBrowser();
  let server: Server;
  let port: number;
  before(async () => {
    server = createServer((request, response) => {
      response.setHeader("content-security-policy", "script-src 'nonce-a'");
      const script = request.url === "/bad" ? `<script nonce="a">throw new Error("planted")</script>` : "";
      response.setHeader("content-type", "text/html; charset=utf-8").end(PAGE + script);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => new Promise((resolve) => server.close(resolve)));

  it("opens pages of several origins, and none outside of this machine", async () => {
    const { page } = await browser.open({ locale: "ko-KR" });
    for (const host of ["127.0.0.1", "localhost", "shop.test"]) {
      await page.goto(`http://${host}:${port}/`);
      expect(await page.title()).to.equal("쿠폰");
      expect(await page.evaluate("location.host + navigator.language")).to.equal(`${host}:${port}ko-KR`);
    }
    const outside = await page.goto("http://example.com/").catch(String);
    expect(String(outside)).to.include("ERR_NAME_NOT_RESOLVED");
  });

  let earlier: OpenedPage;
  it("notes what a page reports", async () => {
    earlier = await browser.open();
    const { page, troubles } = earlier;
    await page.goto(`http://127.0.0.1:${port}/bad`);
    expect(await until(() => troubles.length >= 2, HANG_MS)).to.equal(true);
    expect(troubles.join("\n"))
      .to.match(/error: .*Content Security Policy/)
      .and.include("uncaught: planted");
    await page.evaluate("localStorage.setItem('kept', '1')");
  });

  it("has closed the pages of the test before, and keeps nothing of them", async () => {
    expect(earlier.page.isClosed()).to.equal(true);
    const { page, troubles } = await browser.open();
    await page.goto(`http://127.0.0.1:${port}/`);
    expect(await page.evaluate("localStorage.getItem('kept')")).to.equal(null);
    expect(troubles.filter((one) => one.startsWith("uncaught"))).to.deep.equal([]);
  });
});
