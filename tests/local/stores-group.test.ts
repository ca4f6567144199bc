import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { startTimeOf } from "../../local/process-identity.mjs";
import { portsOfGroup } from "../../local/redis-group.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { answerOf } from "../support/answers.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { couponVerify } from "../support/coupon-verify.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const COUPONS = 30;

describe("npm run stores -- --redis", () => {
  let dir: ReturnType<typeof temporaryDir>;
  const running: ServiceProcess[] = [];

  beforeEach(() => {
    dir = temporaryDir();
  });

  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    dir.remove();
  });

  function start(args: readonly string[], env: Record<string, string> = {}): ServiceProcess {
    const stores = startService({
      ...{ entry: "local/stores.ts", args: [...args], env: { LOCAL_DATA_DIR: dir.path, ...env } },
    });
    running.push(stores);
    return stores;
  }

  /** What its lines tell once all is up: the two URLs, and the processes of the group. */
  async function told(stores: ServiceProcess) {
    await stores.waitForLine((line) => line.startsWith("Ctrl-C"), HANG_MS);
    const exported = (name: string) =>
      new RegExp(`^export ${name}='(.*)'$`, "m").exec(stores.lines.join("\n"))?.[1] ?? "";
    const nodes = stores.lines.flatMap((line) => {
      const [, role = "", port, pid, slots] =
        /^ {2}(\w+) at 127\.0\.0\.1:(\d+), pid (\d+)(?:, slots ([\d, -]+))?$/.exec(line) ?? [];
      return pid === undefined ? [] : [{ role, port: Number(port), pid: Number(pid), slots }];
    });
    return { env: { REDIS_URL: exported("REDIS_URL"), MONGODB_URL: exported("MONGODB_URL") }, nodes };
  }

  for (const kind of ["cluster", "sentinel"] as const) {
    it(`${kind}: a campaign is sold out while a master is killed, verified, and all processes end`, async function () {
      this.timeout(3 * HANG_MS);
      const stores = start(["--redis", kind]);
      const { env, nodes } = await told(stores);
      expect(env.REDIS_URL).to.match(
        kind === "cluster"
          ? /^(redis:\/\/:[0-9a-f]{64}@127\.0\.0\.1:\d+(,|$)){6}/
          : /^redis\+sentinel:\/\/:[0-9a-f]{64}@(127\.0\.0\.1:\d+[,/]){3}coupons\?sentinelPassword=[0-9a-f]{64}$/,
      );
      expect(nodes.map(({ role }) => role[0]).join("")).to.equal(kind === "cluster" ? "mmmrrr" : "mrrsss");
      expect(nodes.flatMap(({ slots }) => slots ?? [])).to.deep.equal(
        kind === "cluster" ? ["0-5461", "5462-10923", "10924-16383"] : [],
      );

      const services = createServices({ ...env, START_DEADLINE_MS: String(HANG_MS) });
      try {
        const { url } = await services.start();
        const clients = connectClients(url);
        const campaignId = await createOpenCampaign(clients, { total: COUPONS });
        const claim = async (user: number) => {
          const userId = `${KEY_PREFIX}${user}`;
          const issued = async () =>
            (await answerOf(() => clients.coupons.issueCoupon({ campaignId, userId }))).kind === "coupon";
          expect(await until(issued, HANG_MS, 50), userId).to.equal(true);
        };
        for (let user = 0; user < COUPONS / 2; user += 1) await claim(user);
        for (const { pid } of nodes.filter(({ role }) => role === "master").slice(0, 1))
          process.kill(pid, "SIGKILL");
        for (let user = COUPONS / 2; user < COUPONS; user += 1) await claim(user);
        await untilState(clients, campaignId, "SOLD_OUT");
        const verified = async () => (await couponVerify(url, campaignId)).code === 0;
        expect(await until(verified, HANG_MS, 500)).to.equal(true);
      } finally {
        await services.end();
      }
      expect(await stores.stop()).to.equal(0);
      expect(nodes.map(({ pid }) => startTimeOf(pid))).to.deep.equal(nodes.map(() => undefined));
      expect(existsSync(join(dir.path, "stack.json"))).to.equal(false);
    });
  }

  it("killed, it leaves no process, and comes back on the ports of before", async () => {
    const stores = start(["--redis=sentinel"]);
    const { env, nodes } = await told(stores);
    await stores.kill();
    const ended = () => nodes.every(({ pid }) => startTimeOf(pid) === undefined);
    expect(await until(ended, HANG_MS)).to.equal(true);
    const again = await told(start(["--redis", "sentinel"]));
    expect(again.env.REDIS_URL).to.equal(env.REDIS_URL);
    expect(again.nodes.map(({ port }) => port)).to.deep.equal(nodes.map(({ port }) => port));
  });

  it("says what is taken: the ports, or the folder by another kind of Redis", async () => {
    const first = await freePort(portsOfGroup({ kind: "sentinel" }));
    const at = { LOCAL_REDIS_PORT: String(first) };
    await told(start(["--redis", "sentinel"], at));
    const other = temporaryDir();
    try {
      const taken = start(["--redis", "sentinel"], { ...at, LOCAL_DATA_DIR: other.path });
      expect((await taken.exited).code).to.equal(1);
      expect(taken.lines.join("\n")).to.match(
        new RegExp(
          `^Ports ${first}, ${first + 1}, .* on 127\\.0\\.0\\.1 already in use\\. Stop what uses them`,
          "m",
        ),
      );
      const cluster = start(["--redis", "cluster"]);
      expect((await cluster.exited).code).to.equal(1);
      expect(cluster.lines.join("\n")).to.match(
        /Process \d+ runs sentinel on .*, not cluster\. End it, or choose/,
      );
    } finally {
      other.remove();
    }
  });

  it("refuses what it does not take, with exit code 2", async () => {
    for (const [args, env, why] of [
      [["--redis", "ring"], {}, /unknown argument "ring"/],
      [["--redis"], {}, /unknown argument "--redis"/],
      [["--redis", "cluster", "--more"], {}, /unknown argument "--more"/],
      [
        ["--redis", "cluster"],
        { REDIS_URL: "redis://127.0.0.1:1" },
        /REDIS_URL names a Redis, and --redis starts/,
      ],
    ] as const) {
      const stores = start(args, env);
      expect((await stores.exited).code).to.equal(2);
      expect(stores.lines.join("\n")).to.match(why);
    }
  });
});
