import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { build } from "esbuild";
import { repositoryDir } from "../../local/repository.ts";
import { withBrowser } from "../support/browser.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";
import { checkTypes, installClient } from "./installed-client.ts";

const run = promisify(execFile);
const bin = (name: string) => join(repositoryDir, "node_modules", ".bin", name);

const CONSUMER = `
import { createCouponClient, type ClaimOutcome, type CouponClient } from "coupon-client";

export function codeOf(outcome: ClaimOutcome): string {
  return outcome.kind === "issued" ? outcome.coupon.code : outcome.kind;
}

export const open = (baseUrl: string): CouponClient => createCouponClient({ baseUrl, storage: "session" });
`;

const IN_NODE = `
import { createCouponClient } from "coupon-client";

const [baseUrl, campaignId, userId] = process.argv.slice(2);
const client = createCouponClient({ baseUrl });
const outcome = await client.claim(campaignId, { userId });
const found = await client.find(campaignId, { userId });
process.stdout.write(JSON.stringify({ outcome, found }));
`;

const IN_PAGE = `
import { createCouponClient } from "coupon-client";
import { open } from "./consumer.js";

globalThis.claim = (id, options) => open(location.origin).claim(id, options);
globalThis.claimLocal = (id) => createCouponClient({ baseUrl: "", storage: "local" }).claim(id);
globalThis.firstView = async (id) => {
  for await (const view of open(location.origin).countdown(id)) return view;
};
`;

describe("The package coupon-client, installed into an empty folder", () => {
  const stores = withStores();
  const browser = withBrowser();
  const dir = temporaryDir();
  let services: Services;
  let service: Service;
  let packed: string;
  let shop: string;
  let oneToAUser: string;
  let byRequest: string;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    const operator = connectClients(service.url);
    [oneToAUser, byRequest] = await Promise.all([
      createOpenCampaign(operator, { total: 10 }),
      createOpenCampaign(operator, { total: 10, onePerUser: false }),
    ]);

    ({ packed, shop } = await installClient(dir.path));
    await writeFile(join(shop, "consumer.ts"), CONSUMER);
  });

  after(async () => {
    await services.end();
    dir.remove();
  });

  it("holds what it needs, and nothing of the repository besides", async () => {
    const { stdout } = await run("tar", ["-tzf", packed]);
    const files = stdout.split("\n").filter((file) => file !== "" && !file.startsWith("package/types/"));
    const own = ["LICENSE", "README.md", "coupon-client.js", "package.json"];
    expect(files.sort()).to.deep.equal(own.map((file) => `package/${file}`));
    const program = await readFile(join(shop, "node_modules", "coupon-client", "coupon-client.js"), "utf8");
    const imports = [...program.matchAll(/from "([^"]+)"/g)].map(([, name]) => name);
    for (const name of imports) expect(name).to.match(/^@(bufbuild\/protobuf|connectrpc\/connect)(\/|$)/);
  });

  it("is right for publint and for the types of every way to import it", async () => {
    await run(bin("publint"), ["--strict", packed]);
    await run(bin("attw"), ["--profile", "esm-only", packed]);
  });

  it("type-checks in its consumer, strictly, as Node and as a bundler resolve it", async () => {
    for (const [module, resolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const) {
      const flags = ["--strict", "--target", "es2022", "--module", module, "--moduleResolution", resolution];
      const types = ["--lib", "es2023,dom,dom.iterable", "--types", ""];
      const outDir = join(shop, module);
      await checkTypes(shop, ["consumer.ts"], [...flags, ...types, "--outDir", outDir]);
    }
  });

  it("claims in Node", async () => {
    await writeFile(join(shop, "node.mjs"), IN_NODE);
    const user = `${KEY_PREFIX}node`;
    const { stdout } = await run(process.execPath, ["node.mjs", service.url, oneToAUser, user], {
      cwd: shop,
    });
    const { outcome, found } = JSON.parse(stdout);
    expect(outcome).to.include({ kind: "issued", replayed: false });
    expect(found).to.deep.equal({ kind: "found", coupon: outcome.coupon });
  });

  describe("in Chromium", () => {
    let site: Server;
    let origin: string;

    before(async () => {
      await writeFile(join(shop, "page.js"), IN_PAGE);
      const { outputFiles } = await build({
        absWorkingDir: shop,
        entryPoints: ["page.js"],
        bundle: true,
        format: "iife",
        write: false,
        logLevel: "silent",
      });
      const script = outputFiles[0]?.text ?? "";
      site = createServer((incoming, outgoing) => {
        if (incoming.url === "/page.js")
          return void outgoing.setHeader("content-type", "text/javascript").end(script);
        if (!incoming.url?.startsWith("/coupon.v1."))
          return void outgoing
            .setHeader("content-type", "text/html")
            .end('<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>');
        // The service behind the page's own origin.
        const { method, headers } = incoming;
        const onward = request(`${service.url}${incoming.url}`, { method, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
        onward.on("error", () => outgoing.destroy());
        incoming.pipe(onward);
      });
      await new Promise<void>((resolve) => void site.listen(0, "127.0.0.1", resolve));
      origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    });

    after(async () => {
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
    });

    it("claims, and has the same coupon after a reload", async () => {
      const { page, troubles } = await browser.open();
      const claim = () =>
        page.evaluate(
          ([id]) => (globalThis as unknown as { claim(id?: string): Promise<unknown> }).claim(id),
          [byRequest],
        );
      await page.goto(origin);
      const first = (await claim()) as { kind: string; coupon: object };
      expect(first).to.include({ kind: "issued", replayed: false });
      await page.reload();
      expect(await claim()).to.deep.include({ kind: "issued", replayed: true, coupon: first.coupon });
      const view = await page.evaluate(
        ([id]) => (globalThis as unknown as { firstView(id?: string): Promise<unknown> }).firstView(id),
        [byRequest],
      );
      expect(view).to.include({ kind: "campaign", millisToStart: 0, soldOut: false });
      expect(troubles).to.deep.equal([]);
    });

    it("has one key for two tabs that share a storage, and one for each where they do not", async () => {
      const { page, context } = await browser.open();
      const other = await context.newPage();
      const claim = (tab: typeof page, name: "claim" | "claimLocal") =>
        tab.evaluate(
          ([id, call = ""]) =>
            (globalThis as unknown as Record<string, (id?: string) => Promise<{ requestId: string }>>)[
              call
            ]?.(id),
          [byRequest, name],
        );
      await Promise.all([page.goto(origin), other.goto(origin)]);
      const shared = await Promise.all([claim(page, "claimLocal"), claim(other, "claimLocal")]);
      expect(shared[0]?.requestId).to.be.a("string").and.to.equal(shared[1]?.requestId);
      const own = await Promise.all([claim(page, "claim"), claim(other, "claim")]);
      expect(own[0]?.requestId).not.to.equal(own[1]?.requestId);
    });
  });
});
