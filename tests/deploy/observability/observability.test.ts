import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { createCampaign, createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { type OwnStack, startOwnStack } from "../../support/own-stack.ts";
import { HANG_MS } from "../../support/patience.ts";
import { type Prometheus, type Series, startPrometheus } from "../../support/prometheus.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Services } from "../../support/service.ts";
import { openWebhookReceiver, type WebhookReceiver } from "../../support/webhook-receiver.ts";
import { asSent, dashboardQueries, OBSERVABILITY_DIR, RULE_FILES, shippedAlerts } from "./shipped.ts";

type Rules = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };

/** A real Prometheus, with the rules that are shipped, scrapes a sale on real stores. */
describe("the dashboard and the alerts, during a sale", () => {
  let stack: OwnStack;
  let services: Services;
  let prometheus: Prometheus;
  let clients: Clients;
  let receiver: WebhookReceiver;
  let openId: string;
  let users = 0;

  before(async () => {
    stack = await startOwnStack();
    services = createServices(stack.env);
    const server = await services.start({ roles: "server" });
    const scheduler = await services.start({ roles: "scheduler,generator", env: { HEALTH_PORT: "0" } });
    const events = await services.start({ roles: "events", env: { HEALTH_PORT: "0" } });
    receiver = await openWebhookReceiver();
    const pages = [scheduler, events].map(({ addresses }) => addresses.health ?? "");
    const targets = [server.url, ...pages].map((url) => new URL(url).host);
    prometheus = await startPrometheus({
      jobs: { coupon: targets },
      rules: RULE_FILES.map((file) => join(OBSERVABILITY_DIR, file)),
    });
    clients = connectClients(server.url);
    await clients.events.addSink({ name: "crm", url: receiver.url });
    // One that the scheduler opens at its start, and one that is still to come.
    await createCampaign(clients, { total: 10, startsAtMs: Date.now() + 600_000 });
    const { id } = await createCampaign(clients, { total: 10, startsAtMs: Date.now() + 2_000 });
    openId = await createOpenCampaign(clients, { total: 5_000 });
    await untilState(clients, id, "OPEN");
  });

  after(async () => {
    await prometheus?.close();
    await services?.end();
    await receiver?.close();
    await stack?.close();
  });

  /** A few more claims, and calls of other methods. */
  async function sell(): Promise<void> {
    const claims = Array.from({ length: 10 }, () => {
      users += 1;
      return clients.coupons.issueCoupon({ campaignId: openId, userId: `${KEY_PREFIX}${users}` });
    });
    await Promise.all(claims);
    await clients.coupons.getCampaignStatus({ campaignId: openId });
  }

  const hasData = (found: readonly Series[]) =>
    found.some(({ value }) => Number.isFinite(Number(value?.[1])));

  it("each query of the dashboard returns data", async () => {
    const all = dashboardQueries();
    expect(all.length).to.be.greaterThan(40);
    let missing = all;
    const isComplete = async () => {
      await sell();
      const left = [];
      for (const query of missing)
        if (!hasData(await prometheus.query(asSent(query.expr, "10s")))) left.push(query);
      missing = left;
      return left.length === 0;
    };
    const complete = await until(isComplete, HANG_MS, 500);
    expect(missing, "queries without data").to.deep.equal([]);
    expect(complete).to.equal(true);
  });

  it("each metric that an alert reads has data", async () => {
    const named = new Set(shippedAlerts().flatMap(({ expr }) => expr.match(/\bcoupon_\w+/g) ?? []));
    expect([...named]).to.include.members(["coupon_sink_info", "coupon_ledger_oldest_age_seconds"]);
    let missing = [...named];
    const areThere = async () => {
      const left = [];
      for (const name of missing) if (!hasData(await prometheus.query(name))) left.push(name);
      missing = left;
      return left.length === 0;
    };
    expect(await until(areThere, HANG_MS, 500), missing.join(", ")).to.equal(true);
  });

  it("each alert can be evaluated, and none that calls somebody or is about sinks fires while all is well", async () => {
    const names = shippedAlerts().map(({ alert }) => alert);
    expect(names.length).to.be.greaterThan(10);
    for (const { expr } of shippedAlerts()) await prometheus.query(expr);
    const rulesOf = async () => (await prometheus.get<Rules>("rules")).groups.flatMap(({ rules }) => rules);
    const areEvaluated = async () => (await rulesOf()).every(({ health }) => health === "ok");
    expect(await until(areEvaluated, HANG_MS, 200), JSON.stringify(await rulesOf())).to.equal(true);
    expect((await rulesOf()).map(({ name }) => name)).to.include.members(names);
    for (const which of ['severity="page"', 'alertname=~"CouponSink.+"']) {
      const firing = await prometheus.query(`ALERTS{alertstate="firing", ${which}}`);
      expect(firing.map(({ metric }) => metric)).to.deep.equal([]);
    }
  });
});
