import { expect } from "chai";
import type { CloudEvent } from "../../../events/cloud-event.ts";
import { until } from "../../../local/poll.ts";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { expectExactLog } from "../../support/event-log.ts";
import { firstOf } from "../../support/http-sink.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { openWebhookReceiver, verified, type WebhookReceiver } from "../../support/webhook-receiver.ts";
import { withStores } from "../../support/with-stores.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

describe("Processes with the role events", () => {
  const stores = withStores();
  let services: Services;
  let clients: Clients;
  let server: Service;
  let receiver: WebhookReceiver;

  before(async () => {
    services = createServices(stores.env);
    server = await services.start({ roles: "server,scheduler,generator" });
    clients = connectClients(server.url);
    receiver = await openWebhookReceiver();
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await receiver.close();
    }
  });

  const deliverer = async () => (await clients.events.getSink({ name: "crm" })).sink?.delivery?.process;

  it("without one nothing is delivered, and AddSink, TestSink and ListSinks say so", async () => {
    const { notices } = await clients.events.addSink({
      ...{ name: "crm", url: receiver.url, secret: SECRET, batched: true, fromBeginning: true },
    });
    expect(notices).to.deep.equal([
      "no process with the role events has a heartbeat: nothing is delivered before one starts",
    ]);
    expect((await clients.events.listSinks({})).processes).to.equal(0);
    const { delivered, finding, eventId, process } = await clients.events.testSink({ name: "crm" });
    expect([delivered, eventId, process]).to.deep.equal([false, "", undefined]);
    expect(finding).to.equal("no process with the role events has taken the test: is one running?");
    expect(receiver.requests).to.deep.equal([]);
  });

  it("one that is killed in a sale: another takes its sinks, nothing is missing and the order is kept", async () => {
    const total = 400;
    const events = ["events", "events"].map((roles) =>
      services.start({ roles, env: { HEALTH_PORT: "0", LEASE_MS: "1000" } }),
    );
    const running = new Map((await Promise.all(events)).map((one) => [one.process.pid, one]));
    const campaignId = await createOpenCampaign(clients, { total });
    const told = () => receiver.requests.flatMap((request) => verified(request, SECRET));
    let killed = 0;
    for (let i = 0; i < total; i++) {
      await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
      if (i % 150 !== 100) continue;
      const before = receiver.requests.length;
      expect(await until(() => receiver.requests.length > before, HANG_MS, 1)).to.equal(true);
      const { pid = 0 } = (await deliverer()) ?? {};
      const dying = running.get(pid);
      expect(dying, "the process that delivers is one of those with the role").not.to.equal(undefined);
      await dying?.process.kill();
      running.delete(pid);
      const next = await services.start({ roles: "events", env: { HEALTH_PORT: "0", LEASE_MS: "1000" } });
      running.set(next.process.pid, next);
      killed++;
    }
    await untilState(clients, campaignId, "SOLD_OUT");
    const ofSale = (): CloudEvent[] => firstOf(told(), campaignId);
    expect(await until(() => ofSale().at(-1)?.type === "campaign.sold_out", HANG_MS)).to.equal(true);
    const numbers = ofSale().flatMap(({ data }) => ("number" in data ? [data.number] : []));
    expect(numbers).to.deep.equal(Array.from({ length: total }, (_, i) => i + 1));
    expect(killed).to.equal(2);
    await expectExactLog(stores.db, campaignId);
    const isCounted = async () =>
      (await clients.events.getSink({ name: "crm" })).sink?.delivery?.delivered ===
      BigInt(new Set(told().map(({ id }) => id)).size);
    expect(await until(isCounted, HANG_MS), "each counts once, however often it came").to.equal(true);
    const isAtEnd = async () => {
      const { lagMs, waiting } = (await clients.events.getSink({ name: "crm" })).sink?.delivery ?? {};
      return lagMs === 0n && waiting === 0n;
    };
    expect(await until(isAtEnd, HANG_MS), "nothing waits").to.equal(true);
    expect(told().map(({ type }) => type)).not.to.include("sink.test");
  });

  it("one that ends in order gives its sinks away at once", async () => {
    const { pid = 0, id } = (await deliverer()) ?? {};
    expect(pid).to.be.greaterThan(0);
    const log = services.lines.filter((line) => line.includes("delivering events to the sink"));
    expect(log.length).to.be.greaterThan(2);
    process.kill(pid, "SIGTERM");
    const isTaken = async () => {
      const now = await deliverer();
      return now !== undefined && now.id !== id;
    };
    expect(await until(isTaken, HANG_MS)).to.equal(true);
    const test = await clients.events.testSink({ name: "crm" });
    expect([test.delivered, test.process?.id]).to.deep.equal([true, (await deliverer())?.id]);
  });
});
