import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { endChild, inheritedEnvironment, spawnKept } from "../../../local/child.ts";
import { freePort } from "../../../local/free-port.ts";
import { until } from "../../../local/poll.ts";
import { repositoryDir } from "../../../local/repository.ts";
import { ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { checkTypes, installClient } from "../../client/installed-client.ts";
import { withBrowser } from "../../support/browser.ts";
import { createCampaign, createOpenCampaign, untilState } from "../../support/campaign.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { type Clients, clientsOver } from "../../support/clients.ts";
import { documentedCode, documentedScript } from "../../support/documented-code.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { HANG_MS } from "../../support/patience.ts";
import { createServices, type Services } from "../../support/service.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { withStores } from "../../support/with-stores.ts";
import { codeIn, mainButton, untilTitle } from "./launch-service.ts";

const PAGE = "docs/launch-page.md";
/** The service's address in the code of both pages. */
const COUPON_URL = "https://coupons.example";
const SCRIPT = /<script type="module">\n(.*)<\/script>/s;
/** JavaScript without annotations, checked for what it calls. */
const JAVASCRIPT = ["--allowJs", "--checkJs", "--noEmit", "--strict", "false", "--target", "es2022"];

/** What docs/client.md leaves to its reader to have. */
const GIVEN = `
declare const campaignId: string;
declare const userId: string;
declare function show(text: string): void;
`;

describe("the code in docs/launch-page.md and docs/client.md, as it is written", function () {
  // Builds packages and starts processes; a bound against hanging.
  this.timeout(3 * HANG_MS);
  const stores = withStores();
  const dir = temporaryDir();
  const secret = randomBytes(32).toString("hex");
  const ports = { service: 0, site: 0 };
  const browser = withBrowser(async () => {
    Object.assign(ports, { service: await freePort(), site: await freePort() });
    return { "coupons.example": ports.service };
  });
  let services: Services;
  let clients: Clients;
  let shop: string;
  let site: Server;
  /** What the shop's own site serves, by path. */
  const served = new Map<string, { readonly type: string; readonly text: string }>();
  let tokensGiven = 0;

  before("a service behind TLS, the installed package, and a shop's site", async () => {
    const { certFile, keyFile, caFile } = makeCertificates(dir.path);
    services = createServices(stores.env);
    const { url } = await services.start({
      env: {
        ...{ PORT: String(ports.service), TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile },
        ...{ PUBLIC_LAUNCH_PAGE: "on", CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: "coupons" },
        ALLOWED_ORIGINS: siteUrl(),
      },
    });
    clients = clientsOver(
      createConnectTransport({
        ...{ baseUrl: url, httpVersion: "1.1", nodeOptions: { ca: readFileSync(caFile) } },
        interceptors: [
          (next) => (request) => {
            if (!request.header.has("authorization"))
              request.header.set("authorization", `Bearer ${OPERATOR_TOKEN}`);
            return next(request);
          },
        ],
      }),
    );
    ({ shop } = await installClient(dir.path));
    site = createServer(({ url: path = "" }, response) => {
      if (path === "/claim-token") {
        tokensGiven += 1;
        return void response.end(tokenOf("bob"));
      }
      const { type, text } = served.get(path) ?? {
        type: "text/html",
        text: '<link rel="icon" href="data:,">',
      };
      response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(text);
    });
    await new Promise<void>((resolve) => void site.listen(ports.site, "127.0.0.1", resolve));
  });

  after(async () => {
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
    await services.end();
    dir.remove();
  });

  const siteUrl = () => `http://127.0.0.1:${ports.site}`;
  const opened = () => browser.open({ locale: "en-GB", ignoreHTTPSErrors: true });
  const wanted = { total: 3, claimAuth: ClaimAuth.TOKEN };

  function tokenOf(sub: string): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const input = `${part({ alg: "HS256" })}.${part({ sub, aud: "coupons", exp })}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  }

  /** Whose coupon the code is, by the record. */
  async function holderOf(code: string | undefined): Promise<string | undefined> {
    if (code === undefined) return undefined;
    return (await clients.campaigns.findIssuance({ code })).issuance?.userId;
  }

  /** Bundles a program of the shop, and serves it at `/NAME.js`. */
  async function bundle(name: string, program: string): Promise<void> {
    const { outputFiles } = await build({
      stdin: { contents: program, resolveDir: shop },
      ...{ bundle: true, format: "esm", write: false, logLevel: "silent" },
    });
    served.set(`/${name}.js`, { type: "text/javascript", text: outputFiles[0]?.text ?? "" });
  }

  it("`npm start` as told serves the page; without the setting nobody gets it", async () => {
    const [command = ""] = documentedCode(PAGE, "sh");
    expect(command).to.equal("PUBLIC_LAUNCH_PAGE=on npm start\n");
    const env = {
      ...{ ...inheritedEnvironment(), ...stores.env, OPERATOR_TOKEN, LOG_FORMAT: "json" },
      PORT: "0",
    };
    for (const [told, status] of [
      [command, 200],
      [command.replace(/^\S+ /, ""), 404],
    ] as const) {
      const started = spawnKept("sh", ["-c", told], {
        cwd: repositoryDir,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      try {
        let lines = "";
        for (const stream of [started.stdout, started.stderr])
          stream?.setEncoding("utf8").on("data", (text: string) => {
            lines += text;
          });
        const ready = () => lines.split("\n").find((line) => line.includes('"msg":"ready'));
        expect(await until(() => ready() !== undefined, HANG_MS), lines).to.equal(true);
        const { http } = JSON.parse(ready() ?? "") as { http: string };
        const answer = await fetch(`${http}/launch/01J00000000000000000000000`);
        expect([told, answer.status]).to.deep.equal([told, status]);
        await answer.text();
      } finally {
        const closed = once(started, "close");
        // As Ctrl-C in a terminal, which reaches the shell, npm and the service.
        if (started.pid !== undefined) process.kill(-started.pid, "SIGINT");
        await closed;
      }
    }
  });

  it("to-launch.mjs takes a customer of the shop to the page, with a token that claims", async () => {
    const script = documentedScript(PAGE, "to-launch.mjs");
    const file = join(shop, "to-launch.mjs");
    await writeFile(file, script);
    const types = ["--types", "node", "--typeRoots", join(repositoryDir, "node_modules", "@types")];
    await checkTypes(shop, [file], [...JAVASCRIPT, "--module", "nodenext", ...types]);

    const campaignId = await createOpenCampaign(clients, wanted);
    const port = await freePort();
    const env = {
      ...inheritedEnvironment(),
      ...{ COUPON_URL, CAMPAIGN: campaignId, SHOP_PORT: String(port), CLAIM_TOKEN_SECRET: secret },
    };
    const running = spawnKept(process.execPath, [file], { env, stdio: "inherit" });
    try {
      const shopUrl = `http://127.0.0.1:${port}/`;
      const ask = () => fetch(shopUrl, { redirect: "manual" }).catch(() => undefined);
      expect(await until(async () => (await ask()) !== undefined, HANG_MS)).to.equal(true);
      const stranger = await ask();
      expect([stranger?.status, stranger?.headers.get("location")]).to.deep.equal([302, "/sign-in"]);
      expect(stranger?.headers.get("cache-control")).to.equal("no-store");

      const { page, context, troubles } = await opened();
      await context.addCookies([{ name: "user", value: "alice", url: shopUrl }]);
      await page.goto(shopUrl);
      await untilTitle(page, "Open now");
      expect(page.url()).to.equal(`${COUPON_URL}/launch/${campaignId}`);
      await mainButton(page).click();
      await untilTitle(page, "This coupon is yours");
      expect(await holderOf(await codeIn(page))).to.equal("alice");
      expect(troubles).to.deep.equal([]);
    } finally {
      await endChild(running, HANG_MS);
    }
  });

  it("a copy of web/launch, made as told, claims on a service of another origin", async () => {
    const [, commands = ""] = documentedCode(PAGE, "sh");
    const [copy = "", install = "", ...rest] = commands.trim().split("\n");
    expect([copy, install.split(" ")[0]]).to.deep.equal([
      "cp -r web/launch ../shop-launch && cd ../shop-launch",
      "npm",
    ]);
    // The package is installed already, and no registry is asked for the others.
    const esbuild = join(repositoryDir, "node_modules", ".bin", "esbuild");
    const folder = join(shop, "launch");
    await cp(join(repositoryDir, "web", "launch"), folder, { recursive: true });
    const script = rest.join(" && ").replace("npx esbuild", `'${esbuild}' --log-level=error`);
    const env = { ...inheritedEnvironment(), NODE_PATH: join(repositoryDir, "node_modules") };
    await promisify(execFile)("sh", ["-ec", script], { cwd: folder, env });

    const campaignId = await createOpenCampaign(clients, { total: 3, claimAuth: ClaimAuth.TOKEN });
    const textOf = (name: string) => readFileSync(join(folder, name), "utf8");
    served.set(`/launch/${campaignId}`, { type: "text/html", text: textOf("index.html") });
    served.set("/launch/main.js", { type: "text/javascript", text: textOf("main.js") });
    served.set("/launch/style.css", { type: "text/css", text: textOf("style.css") });
    served.set("/launch/icon.svg", { type: "image/svg+xml", text: textOf("icon.svg") });
    const { page, troubles } = await opened();
    await page.goto(`${siteUrl()}/launch/${campaignId}#token=${tokenOf("carol")}`);
    await untilTitle(page, "Open now");
    await mainButton(page).click();
    await untilTitle(page, "This coupon is yours");
    expect(await holderOf(await codeIn(page))).to.equal("carol");
    expect(troubles).to.deep.equal([]);
  });

  describe("the page that begins with the library", () => {
    let markup: string;

    before(async () => {
      [markup = ""] = documentedCode(PAGE, "html");
      const [, program = ""] = SCRIPT.exec(markup) ?? [];
      expect(program).to.include(`baseUrl: "${COUPON_URL}"`);
      await writeFile(join(shop, "own-page.js"), program);
      const dom = ["--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2023,dom,dom.iterable"];
      await checkTypes(shop, ["own-page.js"], [...JAVASCRIPT, ...dom, "--types", ""]);
      await bundle("own-page", program);
    });

    async function openFor(campaignId: string): Promise<{ page: Page; troubles: readonly string[] }> {
      const script = '<script type="module" src="/own-page.js"></script>';
      const page = `<!doctype html><html data-campaign="${campaignId}"><link rel="icon" href="data:,">`;
      served.set(`/${campaignId}`, { type: "text/html", text: page + markup.replace(SCRIPT, script) });
      const tab = await opened();
      await tab.page.goto(`${siteUrl()}/${campaignId}`);
      return tab;
    }

    const told = (page: Page) => page.locator("#told").innerText();

    it("claims on a service of another origin, once, however often its button is pressed", async () => {
      const { page, troubles } = await openFor(await createOpenCampaign(clients, wanted));
      await page.locator("button").dblclick();
      let shown = "";
      const isThere = async () => {
        shown = await told(page);
        return shown !== "" && shown !== "Asking…";
      };
      expect(await until(isThere, HANG_MS)).to.equal(true);
      expect(await holderOf(shown)).to.equal("bob");
      expect(await page.locator("button").isDisabled()).to.equal(true);
      expect(tokensGiven).to.be.above(0);
      expect(troubles).to.deep.equal([]);
    });

    it("counts down, waits where it is pressed before the start, and claims at the start", async () => {
      const { id } = await createCampaign(clients, { ...wanted, startsAtMs: Date.now() + 8_000 });
      await untilState(clients, id, "SCHEDULED");
      const { page } = await openFor(id);
      await page.locator("#clock", { hasText: /^[1-8] s$/ }).waitFor();
      await page.locator("button").click();
      await page.locator("#told", { hasText: "Waiting…" }).waitFor();
      await page.locator("#told", { hasText: /^[가-힣]+\d+$/ }).waitFor();
      expect(await holderOf(await told(page))).to.equal("bob");
      expect(await page.locator("#clock").innerText()).to.equal("0 s");
    });

    it("says so where all are gone", async () => {
      const campaignId = await createOpenCampaign(clients, { ...wanted, total: 1 });
      const headers = { authorization: `Bearer ${tokenOf("another")}` };
      await clients.coupons.issueCoupon({ campaignId }, { headers });
      await untilState(clients, campaignId, "SOLD_OUT");
      const { page } = await openFor(campaignId);
      await page.locator("button").click();
      await page.locator("#told", { hasText: "soldOut" }).waitFor();
      expect(await page.locator("button").isDisabled()).to.equal(true);
    });
  });

  it("the example of docs/client.md counts down, claims, and says how it ended", async () => {
    const [example = ""] = documentedCode("docs/client.md", "ts");
    expect(example).to.include(`baseUrl: "${COUPON_URL}"`);
    await writeFile(join(shop, "example.ts"), `${example}${GIVEN}`);
    const flags = ["--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--types", ""];
    const lib = ["--moduleResolution", "bundler", "--lib", "es2023,dom,dom.iterable,esnext.disposable"];
    await checkTypes(shop, ["example.ts"], [...flags, ...lib]);

    const { id } = await createCampaign(clients, { ...wanted, startsAtMs: Date.now() + 4_000 });
    const given = `const campaignId = "${id}", userId = "bob", shown = [];
globalThis.shown = shown;
const show = (text) => shown.push(text);
`;
    await bundle("example", `${given}${example}`);
    const { page, troubles } = await opened();
    await page.goto(siteUrl());
    await page.addScriptTag({ url: "/example.js", type: "module" });
    const shown = () => page.evaluate(() => (globalThis as unknown as { shown: string[] }).shown);
    const isOver = async () => /^[가-힣]/.test((await shown()).at(-1) ?? "");
    expect(await until(isOver, HANG_MS), `${troubles} ${await shown()}`).to.equal(true);
    const texts = await shown();
    expect(await holderOf(texts.at(-1))).to.equal("bob");
    expect(texts.slice(0, -1).filter((text) => !/^\d s$/.test(text))).to.deep.equal([]);
    expect(texts.at(-2)).to.equal("0 s");
    // A first claim that comes within the uncertainty of the clock is refused as early, and asked again.
    expect(troubles.filter((one) => !/status of 400/.test(one))).to.deep.equal([]);
  });
});
