import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { createBareApp } from "../../../server/http/bare-app.ts";
import { createWebPages } from "../../../server/http/web-pages.ts";
import { startGatedApp } from "../../support/gated-app.ts";
import { HANG_MS } from "../../support/patience.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";

const PAGE = "<!doctype html><title>a page</title>";
const SCRIPT = "export const one = 1;".repeat(100);

describe("web pages", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let close: () => Promise<void>;
  let at: string;

  beforeEach(async () => {
    dir = temporaryDir();
    for (const page of ["console", "launch"]) {
      mkdirSync(join(dir.path, page, "assets"), { recursive: true });
      writeFileSync(join(dir.path, page, "index.html"), PAGE);
      writeFileSync(join(dir.path, page, "assets", "index-abc.js"), SCRIPT);
      writeFileSync(join(dir.path, page, "assets", "index-abc.js.gz"), gzipSync(SCRIPT));
    }
    await serve(["console", "launch"]);
  });

  afterEach(async () => {
    await close();
    dir.remove();
  });

  async function serve(pages: readonly ("console" | "launch")[], folder = dir.path): Promise<void> {
    const app = createBareApp();
    const webPages = createWebPages(pages, folder);
    app.use((request, response, next) => void (webPages(request, response) || next()));
    app.use((_, response) => void response.status(404).send("none"));
    const server = app.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () => new Promise((resolve) => void server.close(() => resolve()));
  }

  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${at}${path}`, init);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };

  it("are served at their names, a launch page also at the id of a campaign, and nowhere else", async () => {
    for (const path of [
      "/console",
      "/console/",
      "/console?a=b",
      "/launch",
      "/launch/01K7ZQ0Z5T6N8W3M4X5Y6Z7A8B/",
      "/launch/01K7ZQ0Z5T6N8W3M4X5Y6Z7A8B.",
      "/launch/01K7ZQ0Z5T6N8W3M4X5Y6Z7A8B!).",
    ]) {
      const { status, text } = await get(path);
      expect([path, status, text]).to.deep.equal([path, 200, PAGE]);
    }
    for (const path of ["/Console", "/console/x", "/launch/a/b", "/launch/%2e%2e", "/console/assets/../../x"])
      expect([path, (await get(path)).status]).to.deep.equal([path, 404]);
    for (const method of ["POST", "PUT", "DELETE"])
      expect([method, (await get("/console", { method })).status]).to.deep.equal([method, 404]);
  });

  it("are served over HTTP/2, too: a browser speaks it where there is TLS", async () => {
    const webPages = createWebPages(["console"], dir.path);
    const server = createHttp2Server((request, response) => {
      if (!webPages(request, response)) response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const ask = async (path: string) => {
        const stream = session.request({ ":path": path });
        const [head] = (await once(stream, "response")) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
        return { status: head[":status"], policy: head["content-security-policy"], text: await text(stream) };
      };
      const page = await ask("/console/");
      expect([page.status, page.text]).to.deep.equal([200, PAGE]);
      expect(page.policy).to.include("default-src 'none'");
      expect((await ask("/launch/x")).status).to.equal(404);
    } finally {
      session.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("are reached at the server of HTTP/2 that a port with TLS has", async () => {
    const app = await startGatedApp(async () => {
      throw new Error("no page needs an operator");
    });
    const session = connectHttp2(app.urls.grpc);
    try {
      const stream = session.request({ ":path": "/console/" });
      // Where no page was built, the same part of the service says that.
      expect(await text(stream)).to.match(/<title>Coupon console|the page \/console was not built/);
    } finally {
      session.destroy();
      await app.close();
    }
  });

  it("leave nothing open behind callers that go in the middle of an answer", async () => {
    const path = join(dir.path, "console", "assets", "large-abc.js");
    writeFileSync(path, Buffer.alloc(4 * 1024 * 1024, "a"));
    await close();
    await serve(["console"]);
    // A build beside a running service takes no page away either.
    rmSync(path);
    const request = "GET /console/assets/large-abc.js HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    const before = readdirSync("/proc/self/fd").length;
    for (let caller = 0; caller < 30; caller += 1) {
      const socket = connect(Number(new URL(at).port), "127.0.0.1");
      socket.write(request.repeat(8));
      await once(socket, "data");
      socket.destroy();
      await once(socket, "close");
    }
    const isClosed = () => readdirSync("/proc/self/fd").length <= before + 2;
    expect(await until(isClosed, HANG_MS), "descriptors are closed").to.equal(true);
    expect((await get("/console")).status).to.equal(200);
  });

  it("may run their own files and call their own service, and nothing else", async () => {
    const { headers } = await get("/console");
    expect(headers.get("content-security-policy")?.split(";").sort()).to.deep.equal([
      ...["base-uri 'none'", "connect-src 'self'", "default-src 'none'", "font-src 'self'"],
      ...["form-action 'none'", "frame-ancestors 'none'", "img-src 'self'", "script-src 'self'"],
      "style-src 'self'",
    ]);
    expect(headers.get("x-content-type-options")).to.equal("nosniff");
    expect(headers.get("x-frame-options")).to.equal("DENY");
    expect(headers.get("referrer-policy")).to.equal("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).to.equal("same-origin");
  });

  it("are asked for anew, their files with a digest in the name are kept, and come compressed", async () => {
    const page = await get("/console");
    expect(page.headers.get("cache-control")).to.equal("no-cache");
    const etag = page.headers.get("etag") ?? "";
    expect((await get("/console", { headers: { "if-none-match": etag } })).status).to.equal(304);
    const script = await get("/console/assets/index-abc.js", { headers: { "accept-encoding": "gzip" } });
    expect(script.headers.get("cache-control")).to.equal("public, max-age=31536000, immutable");
    expect(script.headers.get("content-encoding")).to.equal("gzip");
    expect(script.headers.get("vary")).to.equal("Accept-Encoding");
    expect(script.text).to.equal(SCRIPT);
  });

  it("that were not built are answered 404, with the command that builds them", async () => {
    await close();
    await serve(["console"], join(dir.path, "none"));
    const { status, text } = await get("/console");
    expect([status, JSON.parse(text)]).to.deep.equal([
      404,
      { code: "unimplemented", message: "the page /console was not built: npm run build:web" },
    ]);
  });
});
