import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { documentedScript } from "../support/documented-code.ts";
import { post } from "../support/post.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { runCli } from "../support/run-cli.ts";
import { createServices, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

const run = promisify(execFile);

describe("the integrations of docs/security.md", () => {
  const stores = withStores();
  const dir = temporaryDir();
  let services: Services;
  before(() => {
    services = createServices(stores.env);
  });
  after(async () => {
    await services.end();
    dir.remove();
  });

  async function runScript(name: string, env: Record<string, string>) {
    const file = join(dir.path, name);
    // Logs are searched for users by that prefix.
    writeFileSync(
      file,
      documentedScript("docs/security.md", name).replace('"alice"', `"${KEY_PREFIX}alice"`),
    );
    const { stdout } = await run(process.execPath, [file], { env });
    const [, status = "", body = ""] = /^(\d+) (.*)$/s.exec(stdout) ?? [];
    return { status: Number(status), coupon: JSON.parse(body).coupon?.code as string | undefined };
  }

  it("shop.mjs claims with a token; without one, nobody does; coupon does with one", async function () {
    // Runs a rehearsal and several commands; a bound against hanging.
    this.timeout(300_000);
    const CLAIM_TOKEN_SECRET = randomBytes(32).toString("hex");
    const secretFile = join(dir.path, "secret");
    writeFileSync(secretFile, `${CLAIM_TOKEN_SECRET}\n`, { mode: 0o600 });
    const { url } = await services.start({
      env: { CLAIM_AUTH: "token", CLAIM_TOKEN_AUDIENCE: "coupons", CLAIM_TOKEN_SECRET_FILE: secretFile },
    });
    const CAMPAIGN = await createOpenCampaign(connectClients(url), { total: 5 });
    const anyone = await post(url, "CouponService/IssueCoupon", {
      campaignId: CAMPAIGN,
      userId: `${KEY_PREFIX}alice`,
    });
    expect(anyone.status).to.equal(401);
    const first = await runScript("shop.mjs", { COUPON_URL: url, CAMPAIGN, CLAIM_TOKEN_SECRET });
    const again = await runScript("shop.mjs", { COUPON_URL: url, CAMPAIGN, CLAIM_TOKEN_SECRET });
    expect([first.status, again.coupon]).to.deep.equal([200, first.coupon]);
    const forged = await runScript("shop.mjs", { COUPON_URL: url, CAMPAIGN, CLAIM_TOKEN_SECRET: "x" });
    expect(forged).to.deep.equal({ status: 401, coupon: undefined });
    expect(services.lines.join("\n")).not.to.include(CLAIM_TOKEN_SECRET);

    const user = `${KEY_PREFIX}bob`;
    const signing = { CLAIM_TOKEN_SECRET, CLAIM_TOKEN_AUDIENCE: "coupons" };
    const made = await runCli(["token", "issue", "--user", user, "--campaign", CAMPAIGN], { env: signing });
    const asBob = { url, env: { COUPON_CLAIM_TOKEN: made.stdout.trim() } };
    const issued = await runCli(["issue", CAMPAIGN, "--json"], asBob);
    expect(issued.code, issued.stderr).to.equal(0);
    const found = await runCli(["find", CAMPAIGN, "--user", user, "--json"], asBob);
    expect(JSON.parse(found.stdout).coupon).to.deep.equal(JSON.parse(issued.stdout).coupon);
    const nobody = await runCli(["issue", CAMPAIGN, "--user", user], { url });
    expect(nobody.code).not.to.equal(0);
    const shown = await runCli(["get", CAMPAIGN], { url });
    expect(shown.stdout).to.match(/claims +need a token/);
    const weaker = ["create", "--name", "x", "--total", "5", "--start", "+1h", "--claim-auth", "open"];
    const refused = await runCli(weaker, { url });
    expect(refused.stderr).to.match(/at least as strict as the deployment's CLAIM_AUTH, token/);
    const rehearsing = ["rehearse", CAMPAIGN, "--users", "8", "--in", "4", "--json"];
    const without = await runCli(rehearsing, { url });
    expect(without.stderr).to.match(/demands a token of every claim/);
    const rehearsed = await runCli(rehearsing, { url, env: signing });
    expect(JSON.parse(rehearsed.stdout).issued, rehearsed.stderr).to.equal(5);
  });

  it("backend.mjs claims with a key", async () => {
    const KEY = randomBytes(32).toString("hex");
    const CLAIM_KEYS = `shop:${createHash("sha256").update(KEY).digest("hex")}`;
    const { url } = await services.start({ env: { CLAIM_AUTH: "key", CLAIM_KEYS } });
    const CAMPAIGN = await createOpenCampaign(connectClients(url), { total: 5 });
    const first = await runScript("backend.mjs", { COUPON_URL: url, CAMPAIGN, KEY });
    const forged = await runScript("backend.mjs", { COUPON_URL: url, CAMPAIGN, KEY: `${KEY}0` });
    expect(first.status).to.equal(200);
    expect(first.coupon).to.be.a("string");
    expect(forged.status).to.equal(401);
  });
});
