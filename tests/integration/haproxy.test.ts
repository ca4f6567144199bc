import { Agent, request } from "node:http";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients, grpcClients } from "../support/clients.ts";
import { couponVerify } from "../support/coupon-verify.ts";
import { type Haproxy, startHaproxy } from "../support/haproxy.ts";
import { type LoopbackNetwork, loopbackNetwork } from "../support/loopback-network.ts";
import { type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";

const SERVERS = ["server-1", "server-2", "server-3"];
const ISSUE = "/coupon.v1.CouponService/IssueCoupon";
const EVERY_MS = 5;
const IN_FLIGHT_MAX = 64;
/** Enough for every claim of the load on a quick machine; on a slow one fewer are made. */
const COUPONS = 50_000;
/** Answers by each server before the next one is stopped. */
const ENOUGH = 50;

type Answer = { readonly key: string; readonly status: number; readonly text: string };

describe("Three servers behind haproxy, as it is shipped", () => {
  let stack: OwnStack;
  let network: LoopbackNetwork;
  let services: Services;
  let haproxy: Haproxy;
  let operators: Clients;
  const running = new Map<string, Service>();

  const start = async (name: string) => {
    const env = { HOST: network.addressOf(name), PORT: "8080", GRPC_PORT: "9080" };
    running.set(name, await services.start({ env: { ...env, OPERATORS_PORT: "8081", HEALTH_PORT: "8090" } }));
  };
  const at = (port: number) => `http://${haproxy.host}:${port}`;

  /** How many claims a server has answered since it was started. */
  const answeredBy = async (name: string): Promise<number> => {
    const page = await fetch(`http://${network.addressOf(name)}:8090/metrics`).then((answer) =>
      answer.text(),
    );
    const counts = page.matchAll(/^coupon_claims_total\{[^}]*\} (\d+)/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  before(async () => {
    stack = await startOwnStack();
    network = await loopbackNetwork();
    // Longer deadlines: a busy machine must not cause refusals.
    services = createServices({
      ...stack.env,
      LOG_LEVEL: "info",
      TRUST_PROXY: network.addressOf("haproxy"),
      SHUTDOWN_DELAY_MS: "5000",
      STORE_DEADLINE_MS: "60000",
      COMMIT_DEADLINE_MS: "60000",
      ISSUE_DEADLINE_MS: "60000",
      STORE_STALL_MS: "60000",
      COMMIT_STALL_MS: "60000",
      DRAIN_DEADLINE_MS: "60000",
    });
    await Promise.all(SERVERS.map(start));
    haproxy = await startHaproxy(network);
    operators = connectClients(at(8081));
  });

  after(async () => {
    await haproxy?.close();
    await services?.end();
    await network?.close();
    await stack?.close();
  });

  function post(body: object, agent: Agent | false): Promise<{ status: number; text: string }> {
    const text = JSON.stringify(body);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    return new Promise((resolve) => {
      const asking = request(new URL(ISSUE, at(8080)), { agent, method: "POST", headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.once("close", () => {
          const status = answer.complete ? (answer.statusCode ?? 0) : 0;
          resolve({ status, text: Buffer.concat(parts).toString() });
        });
      });
      asking.once("error", (error) => resolve({ status: 0, text: error.message }));
      asking.end(text);
    });
  }

  it("fails no request while each of them is stopped and started again", async () => {
    const campaignId = await createOpenCampaign(operators, { total: COUPONS, onePerUser: false });
    const grpc = grpcClients(at(9080), null);
    const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
    const answers: Answer[] = [];
    let asked = 0;
    const claim = async () => {
      const number = asked++;
      const key = `${KEY_PREFIX}${number}`;
      if (number % 8 === 0) {
        const done = await grpc.coupons.issueCoupon({ campaignId, requestId: key }).then(
          ({ coupon }) => ({ status: 200, text: JSON.stringify({ coupon: { code: coupon?.code } }) }),
          (error: Error) => ({ status: 0, text: error.message }),
        );
        answers.push({ key, ...done });
        return;
      }
      // Every other request has a connection of its own; of each kind, half name no request.
      const named = number % 4 < 2 ? { requestId: key } : {};
      answers.push({ key, ...(await post({ campaignId, ...named }, number % 2 === 0 ? agent : false)) });
    };
    const load = setInterval(() => {
      if (asked - answers.length < IN_FLIGHT_MAX && asked < COUPONS) void claim();
    }, EVERY_MS);

    const allServe = async (what: string) => {
      const before = await Promise.all(SERVERS.map(answeredBy));
      const serve = async () => {
        const now = await Promise.all(SERVERS.map(answeredBy));
        return now.every((count, i) => count >= (before[i] ?? 0) + ENOUGH);
      };
      expect(await until(serve, HANG_MS, 200), `${what}: each server answers claims`).to.equal(true);
    };
    try {
      for (const name of SERVERS) {
        await allServe(`before ${name} is stopped`);
        expect(await running.get(name)?.process.stop(HANG_MS), "exit code").to.equal(0);
        await start(name);
      }
      await allServe("at last");
    } finally {
      clearInterval(load);
    }
    expect(await until(() => answers.length === asked, HANG_MS), "all are answered").to.equal(true);
    agent.destroy();
    grpc.close();

    expect(asked).to.be.greaterThan(SERVERS.length * 4 * ENOUGH);
    const failed = answers.filter(({ status }) => status !== 200);
    expect(
      failed.slice(0, 5),
      `${failed.length} of ${asked} failed; haproxy: ${haproxy.log()}`,
    ).to.deep.equal([]);
    const codes = answers.map(({ text }) => /"code":"([^"]+)"/.exec(text)?.[1]);
    expect(new Set(codes).size, "codes, each given once").to.equal(asked);
    const { wrong, stores } = await couponVerify(at(8081), campaignId);
    expect(wrong).to.deep.equal([]);
    expect(stores.issued, "issued: as many as were answered, none by a request that was sent twice").to.equal(
      asked,
    );
  });
});
