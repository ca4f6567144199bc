import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createClient } from "redis";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { couponVerify } from "../support/coupon-verify.ts";
import { type Nginx, startNginx } from "../support/nginx.ts";
import { type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const [OLD, NEW] = ["old-password", "new:pass/word"];
const COUPONS = 50_000;
const AT_ONCE = 8;
const PAUSE_MS = 20;
/** Answers by each server before the next step. */
const ENOUGH = 50;
const ISSUE = "/coupon.v1.CouponService/IssueCoupon";

/** The rights of the Redis user that deploy/make-secrets.sh makes. */
const RIGHTS =
  /~cp:\* (\+[^']*)'$/m
    .exec(readFileSync(join(repositoryDir, "deploy/make-secrets.sh"), "utf8"))?.[1]
    ?.split(" ") ?? [];

describe("The password of Redis replaced during a sale, as docs/operations.md says", () => {
  let stack: OwnStack;
  let services: Services;
  let nginx: Nginx;
  let dir: ReturnType<typeof temporaryDir>;
  let urlFile = "";

  const setUser = (...rules: readonly string[]) =>
    stack.rawRedis.sendCommand(["ACL", "SETUSER", "coupons", ...rules]);
  const urlWith = (password: string) =>
    `redis://coupons:${encodeURIComponent(password)}@127.0.0.1:${stack.redis.port}`;

  /** As a mounted secret is replaced: whole, or not at all. */
  function putUrl(password: string): void {
    writeFileSync(`${urlFile}.new`, `${urlWith(password)}\n`, { mode: 0o600 });
    renameSync(`${urlFile}.new`, urlFile);
  }

  before(async () => {
    dir = temporaryDir();
    urlFile = join(dir.path, "redis-url");
    stack = await startOwnStack();
    await setUser("reset", "on", `>${OLD}`, "~cp:*", ...RIGHTS);
    putUrl(OLD);
    const { MONGODB_URL, MONGODB_DATABASE } = stack.env;
    // Longer deadlines: a busy machine must not cause refusals.
    services = createServices({
      ...{ MONGODB_URL, MONGODB_DATABASE, REDIS_URL_FILE: urlFile },
      ...{ LOG_LEVEL: "info", GRPC_PORT: "0", SHUTDOWN_DELAY_MS: "500", DRAIN_DEADLINE_MS: "60000" },
      ...{ STORE_DEADLINE_MS: "60000", COMMIT_DEADLINE_MS: "60000", ISSUE_DEADLINE_MS: "60000" },
      ...{ STORE_STALL_MS: "60000", COMMIT_STALL_MS: "60000" },
    });
  });

  after(async () => {
    try {
      await nginx?.close();
      await services?.end();
    } finally {
      await stack?.close();
      dir?.remove();
    }
  });

  it("fails no request: a second password, servers restarted one by one, the old password removed", async () => {
    const ports = await Promise.all([freePort(), freePort()]);
    const start = (port: number) => services.start({ env: { PORT: String(port) } });
    const running = await Promise.all(ports.map(start));
    // Nobody restarts this one.
    const forgotten = await services.start({ roles: "server" });
    nginx = await startNginx(ports);
    const campaignId = await createOpenCampaign(connectClients(forgotten.url), { total: COUPONS });

    const answers: { status: number; text: string }[] = [];
    let users = 0;
    const claim = async (base: string) => {
      const body = JSON.stringify({ campaignId, userId: `${KEY_PREFIX}${users++}` });
      const headers = { "content-type": "application/json" };
      const answer = await fetch(new URL(ISSUE, base), { method: "POST", headers, body });
      return { status: answer.status, text: await answer.text() };
    };
    let over = false;
    const caller = async () => {
      while (!over) {
        answers.push(
          await claim(nginx.url).catch((error: Error) => ({ status: 0, text: String(error.cause) })),
        );
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    };
    const load = Promise.all(Array.from({ length: AT_ONCE }, caller));

    const passedTo = (port: number) => nginx.passed().filter(({ ports }) => ports.at(-1) === port).length;
    const allServe = async () => {
      const before = ports.map(passedTo);
      const serve = () => ports.every((port, i) => passedTo(port) >= (before[i] ?? 0) + ENOUGH);
      expect(await until(serve, HANG_MS, 50), "each server answers claims").to.equal(true);
    };
    try {
      await allServe();
      await setUser(`>${NEW}`);
      putUrl(NEW);
      for (const [i, port] of ports.entries()) {
        await allServe();
        expect(await running[i]?.process.stop(HANG_MS), "exit code").to.equal(0);
        running[i] = await start(port);
      }
      await allServe();
      await setUser(`<${OLD}`);
      await allServe();
    } finally {
      over = true;
      await load;
    }
    const failed = answers.filter(({ status }) => status !== 200);
    expect(failed.slice(0, 5), `${failed.length} of ${answers.length}; ${nginx.errors()}`).to.deep.equal([]);
    const codes = answers.map(({ text }) => /"code":"([^"]+)"/.exec(text)?.[1]);
    expect(new Set(codes).size, "codes, each given once").to.equal(answers.length);

    expect(await canLogIn(OLD), "with the old password").to.match(/WRONGPASS/);
    expect(await canLogIn(NEW), "with the new one").to.equal("yes");
    // The forgotten server goes on with the connections that it has, and cannot make another one.
    expect((await claim(forgotten.url)).status).to.equal(200);
    await stack.rawRedis.sendCommand(["CLIENT", "KILL", "USER", "coupons"]);
    const readiness = () => fetch(new URL("/readyz", forgotten.url)).then(({ status }) => status);
    expect(await until(async () => (await readiness()) === 503, HANG_MS, 100), "not ready").to.equal(true);
    const told = (line: string) => line.includes("WRONGPASS");
    const said = () => forgotten.process.lines.some(told);
    expect(await until(said, HANG_MS, 100), "its log names the reason").to.equal(true);
    const serves = async () => (await claim(nginx.url)).status === 200;
    expect(await until(serves, HANG_MS, 100), "the others connect again").to.equal(true);
    for (const { url } of running) {
      const ready = async () => (await fetch(new URL("/readyz", url))).status === 200;
      expect(await until(ready, HANG_MS, 100), "ready").to.equal(true);
    }

    const { wrong, stores } = await couponVerify(running[0]?.url ?? "", campaignId);
    expect(wrong).to.deep.equal([]);
    expect(stores.issued).to.be.at.least(answers.length);
    await forgotten.process.kill();
  });

  /** `yes`, or the words of Redis. */
  async function canLogIn(password: string): Promise<string> {
    const client = createClient({ url: urlWith(password), socket: { reconnectStrategy: false } });
    client.on("error", () => undefined);
    try {
      await client.connect();
      client.destroy();
      return "yes";
    } catch (error) {
      return String(error);
    }
  }
});
