import { Agent, request } from "node:http";
import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { type Nginx, startNginx } from "../support/nginx.ts";
import { type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Services } from "../support/service.ts";

const USERS = 1_000;
const EVERY_MS = 5;
const IN_FLIGHT_MAX = 64;
const ENOUGH = 50;

describe("A rolling restart behind nginx", () => {
  let stack: OwnStack;
  let services: Services;
  let nginx: Nginx;
  let ports: readonly number[];

  const start = (port: number) => services.start({ env: { PORT: String(port) } });

  before(async () => {
    stack = await startOwnStack();
    // Longer deadlines: a busy machine must not cause refusals.
    services = createServices({
      ...stack.env,
      LOG_LEVEL: "info",
      GRPC_PORT: "0",
      SHUTDOWN_DELAY_MS: "500",
      STORE_DEADLINE_MS: "60000",
      COMMIT_DEADLINE_MS: "60000",
      ISSUE_DEADLINE_MS: "60000",
      STORE_STALL_MS: "60000",
      COMMIT_STALL_MS: "60000",
      DRAIN_DEADLINE_MS: "60000",
    });
    ports = await Promise.all([freePort(), freePort()]);
  });

  after(async () => {
    await nginx?.close();
    await services.end();
    await stack.close();
  });

  it("fails no request, though nginx neither asks /readyz nor sends a POST twice", async () => {
    const running = await Promise.all(ports.map(start));
    nginx = await startNginx(ports);
    const [first] = running;
    if (first === undefined) throw new Error("no server");
    const campaignId = await createOpenCampaign(connectClients(first.url), { total: USERS });

    const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
    const failed: string[] = [];
    let [asked, answered] = [0, 0];
    const claim = () => {
      const body = JSON.stringify({ campaignId, userId: `${KEY_PREFIX}${asked++ % USERS}` });
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const path = "/coupon.v1.CouponService/IssueCoupon";
      const asking = request(new URL(path, nginx.url), { agent, method: "POST", headers }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.once("close", () => {
          answered++;
          if (response.statusCode !== 200 || !response.complete)
            failed.push(`${response.statusCode} ${Buffer.concat(parts).toString()}`);
        });
      });
      asking.once("error", (error) => {
        answered++;
        failed.push(error.message);
      });
      asking.end(body);
    };
    const load = setInterval(() => {
      if (asked - answered < IN_FLIGHT_MAX) claim();
    }, EVERY_MS);

    const passedTo = (port: number) => nginx.passed().filter(({ ports }) => ports.at(-1) === port).length;
    const untilServes = async (port: number) => {
      const before = passedTo(port);
      const serves = () => passedTo(port) >= before + ENOUGH;
      expect(await until(serves, HANG_MS, 50), `the server on ${port} serves`).to.equal(true);
    };
    try {
      for (const [i, port] of ports.entries()) {
        for (const one of ports) await untilServes(one);
        expect(await running[i]?.process.stop(HANG_MS), "exit code").to.equal(0);
        await start(port);
      }
      for (const one of ports) await untilServes(one);
    } finally {
      clearInterval(load);
    }
    expect(await until(() => answered === asked, HANG_MS), "all are answered").to.equal(true);
    agent.destroy();
    expect(failed, `of ${asked}; nginx says: ${nginx.errors()}`).to.deep.equal([]);
    expect(asked).to.be.greaterThan(4 * ENOUGH);
    const elsewhere = nginx.passed().filter(({ ports }) => ports.length > 1).length;
    expect(elsewhere, "requests that nginx took elsewhere, as nobody listened").to.be.greaterThan(0);
  });
});
