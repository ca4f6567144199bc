import { Agent, get } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients, grpcClients } from "../support/clients.ts";
import { metric } from "../support/metrics-page.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { runCli } from "../support/run-cli.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const AN_HOUR_MS = 3_600_000;
const TOKEN = "a-token-of-the-ports-test";
const APART = { OPERATORS_PORT: "0", OPERATORS_GRPC_PORT: "0", HEALTH_PORT: "0" };

describe("Public part, operators and pages on ports of their own", function () {
  // Starts processes; a bound against hanging.
  this.timeout(3 * HANG_MS);
  const stores = withStores();
  let services: Services;

  before(() => {
    services = createServices({ ...stores.env, OPERATOR_TOKEN: TOKEN });
  });
  after(async () => {
    await services?.end();
  });

  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => "answered",
      (error: unknown) => Code[ConnectError.from(error).code],
    );
  const statusOf = async (url: string | undefined, path: string) => (await fetch(`${url}${path}`)).status;
  const operatorsAt = (url: string | undefined): Clients => connectClients(url ?? "", { token: TOKEN });
  const claim = ({ coupons }: Clients, campaignId: string, i: number) =>
    coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });

  async function expectApart({ url, grpcUrl, addresses }: Service): Promise<void> {
    const operators = operatorsAt(addresses.operators);
    const campaignId = await createOpenCampaign(operators, { total: 10 });
    expect((await claim(connectClients(url), campaignId, 1)).replayed).to.equal(false);
    const [publicGrpc, operatorsGrpc] = [grpcUrl, addresses.operatorsGrpc ?? ""].map((at) =>
      grpcClients(at, null),
    );
    try {
      expect(await codeOf(claim(publicGrpc as Clients, campaignId, 1))).to.equal("answered");
      expect(await codeOf((publicGrpc as Clients).campaigns.listCampaigns({}))).to.equal("Unimplemented");
      expect(await codeOf(claim(operatorsGrpc as Clients, campaignId, 2))).to.equal("Unimplemented");
      expect(await codeOf((operatorsGrpc as Clients).campaigns.listCampaigns({}))).to.equal(
        "Unauthenticated",
      );
    } finally {
      publicGrpc?.close();
      operatorsGrpc?.close();
    }
    expect(await codeOf(operatorsAt(url).campaigns.listCampaigns({}))).to.equal("Unimplemented");
    expect(await codeOf(claim(operators, campaignId, 2))).to.equal("Unimplemented");
    for (const path of ["/healthz", "/livez", "/readyz", "/metrics"]) {
      expect(await statusOf(addresses.health, path), path).to.equal(200);
      expect(await statusOf(url, path), path).to.equal(404);
      expect(await statusOf(addresses.operators, path), path).to.equal(404);
    }
    const issued = () => metric(addresses.health ?? "", "coupon_claims_total", 'outcome="issued"');
    expect(
      await until(async () => (await issued()) === 1, HANG_MS),
      "the page of metrics counts claims",
    ).to.equal(true);
  }

  it("one process serves each on its port alone, and the command says what a wrong port is", async () => {
    const service = await services.start({ env: APART });
    await expectApart(service);
    const env = { COUPON_TOKEN: TOKEN };
    const wrong = await runCli(["list"], { url: service.url, env });
    expect(wrong.code).to.not.equal(0);
    expect(wrong.stderr).to.include("operators may be served on a port of their own there (OPERATORS_PORT)");
    const right = await runCli(["list"], { url: service.addresses.operators ?? "", env });
    expect([right.code, right.stderr]).to.deep.equal([0, ""]);
    const claimed = await runCli(["issue", "some-campaign", "--user", "a"], {
      url: service.addresses.operators ?? "",
    });
    expect(claimed.stderr).to.include("is --url that of the operators' port?");
  });

  it("coupon rehearse operates on one port and claims on the other", async () => {
    const { url, addresses } = await services.start({ env: APART });
    const operators = operatorsAt(addresses.operators);
    const { id } = await createCampaign(operators, { total: 20, startsAtMs: Date.now() + AN_HOUR_MS });
    await untilState(operators, id, "SCHEDULED");
    const plan = ["--users", "30", "--rate", "30", "--in", "3", "--json"];
    const { stdout, stderr } = await runCli(["rehearse", id, ...plan], {
      url: addresses.operators ?? "",
      env: { COUPON_TOKEN: TOKEN, COUPON_PUBLIC_URL: url },
    });
    expect(JSON.parse(stdout || "{}"), stderr).to.deep.include({ issued: 20, removed: true });
  });

  it("several workers share all of them", async () => {
    const service = await services.start({ env: { ...APART, WORKERS: "2" } });
    await expectApart(service);
    expect(
      await metric(service.addresses.health ?? "", "coupon_workers"),
      "one page for all of them",
    ).to.equal(2);
  });

  it("the public part alone; operators alone, with the pages; no pages at all", async () => {
    const open = await services.start({ env: { OPERATORS_PORT: "off", GRPC_PORT: "off" } });
    expect(Object.keys(open.addresses)).to.include("http").and.not.include.members(["grpc"]);
    expect(await codeOf(operatorsAt(open.url).campaigns.listCampaigns({}))).to.equal("Unimplemented");
    expect(await statusOf(open.url, "/readyz")).to.equal(200);
    const closed = await services.start({ env: { PORT: "off", OPERATORS_PORT: "0" } });
    expect(closed.url).to.equal("");
    expect(await codeOf(operatorsAt(closed.addresses.operators).campaigns.listCampaigns({}))).to.equal(
      "answered",
    );
    expect(await statusOf(closed.addresses.operators, "/readyz")).to.equal(200);
    const bare = await services.start({ env: { HEALTH_PORT: "off" } });
    expect(await statusOf(bare.url, "/healthz")).to.equal(404);
    const idle = await services.start({ roles: "generator", env: { HEALTH_PORT: "off" } });
    expect(idle.addresses.health).to.equal(undefined);
  });

  it("flags set the ports, too; one that is taken is named with its flag", async () => {
    const holder = await services.start({ env: { GRPC_PORT: "off" } });
    const taken = new URL(holder.url).port;
    const args = ["--port", "0", "--operators-port", "0", "--operators-grpc-port", taken];
    const { code, stderr } = await runToEnd({ ...stores.env, OPERATOR_TOKEN: TOKEN }, args);
    expect(stderr).to.match(/^coupon: port \d+ .*OPERATORS_GRPC_PORT or --operators-grpc-port\n$/);
    expect(code).to.equal(4);
  });

  it("a drain closes all of them, and its end can be watched on the health port", async () => {
    const service = await services.start({ env: { ...APART, SHUTDOWN_DELAY_MS: "3000" } });
    const { health, operators } = service.addresses;
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) =>
      get(`${operators}/`, { agent }, (response) => response.resume().once("end", resolve)),
    );
    const ended = service.process.stop(HANG_MS);
    const answersDraining = async () => (await statusOf(health, "/readyz").catch(() => 0)) === 503;
    expect(await until(answersDraining, HANG_MS, 5)).to.equal(true);
    expect(await statusOf(service.url, "/"), "it serves on until the delay is over").to.equal(404);
    expect(await ended).to.equal(0);
    agent.destroy();
    for (const url of [service.url, operators, health])
      expect(await statusOf(url, "/").catch(() => "refused"), String(url)).to.equal("refused");
  });

  it("TRUST_PROXY: the connections of a trusted proxy are not counted as one caller's", async () => {
    const env = { CONNECTIONS_PER_SOURCE_MAX: "1", GRPC_PORT: "off" };
    const bothAnswer = async ({ url }: Service) => {
      const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
      try {
        const statuses = agents.map(
          (agent) =>
            new Promise((resolve) =>
              get(`${url}/healthz`, { agent }, (response) => resolve(response.resume().statusCode)).once(
                "error",
                () => resolve("cut"),
              ),
            ),
        );
        return (await Promise.all(statuses)).sort();
      } finally {
        for (const agent of agents) agent.destroy();
      }
    };
    expect(await bothAnswer(await services.start({ env }))).to.deep.equal([200, "cut"]);
    const trusting = await services.start({ env: { ...env, TRUST_PROXY: "loopback" } });
    expect(await bothAnswer(trusting)).to.deep.equal([200, 200]);
  });
});
