import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createProcesses, type Processes, type SeenProcess } from "../../record/processes.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

describe("Heartbeats of service processes", () => {
  const stores = withStores();
  let services: Services;
  let processes: Processes;

  before(async () => {
    services = createServices(stores.env);
    processes = createProcesses(stores.db);
  });
  after(async () => {
    await services.end();
  });

  const all = () => processes.seen(3_600_000);
  const becomes = async (is: (seen: readonly SeenProcess[]) => boolean) =>
    expect(await until(async () => is(await all()), HANG_MS, 20)).to.equal(true);

  it("each says who it is and what it counted; who ends leaves, who is killed falls silent", async () => {
    const [server, scheduler] = await Promise.all([
      services.start({ roles: "server,generator", env: { LIMIT_ADDRESS: "2000/10" } }),
      services.start({ roles: "scheduler" }),
    ]);
    await becomes((seen) => seen.length === 2 && seen.some(({ tickAgeMs }) => tickAgeMs !== undefined));
    const byPid = new Map((await all()).map((one) => [one.pid, one]));
    expect(byPid.get(server.process.pid)?.roles).to.deep.equal(["server", "generator"]);
    expect(byPid.get(server.process.pid)).not.to.have.property("tickAgeMs");
    const limits = { user: "off", address: "2000/10", key: "off", shared: false };
    expect(byPid.get(server.process.pid)?.claims).to.deep.equal({ auth: "open", reachable: false, limits });
    expect(byPid.get(scheduler.process.pid)).not.to.have.property("claims");
    expect(byPid.get(scheduler.process.pid)?.tickAgeMs).to.be.at.least(0);
    for (const { redisClock, version } of byPid.values()) {
      expect(Math.abs(redisClock?.offsetMs ?? Number.NaN)).to.be.at.most(redisClock?.uncertaintyMs ?? 0);
      expect(version).to.match(/^\d+\.\d+\.\d+\+[0-9a-f]{8}$/);
    }

    const clients = connectClients(server.url);
    const campaignId = await createOpenCampaign(clients, { total: 3 });
    for (let i = 0; i < 5; i++) {
      const asked = clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}heartbeat-${i % 4}` });
      await asked.catch(() => undefined);
    }
    const counts = (seen: readonly SeenProcess[]) =>
      seen.flatMap(({ campaigns }) => campaigns).find((one) => one.campaignId === campaignId);
    // The last of the five.
    await becomes((seen) => counts(seen)?.outcomes["replayed"] === 1);
    expect(counts(await all())?.outcomes).to.deep.equal({ issued: 3, sold_out: 1, replayed: 1 });
    expect(counts(await all())?.latency.reduce((sum, count) => sum + count, 0)).to.equal(5);

    expect(await server.process.stop()).to.equal(0);
    expect((await all()).map(({ pid }) => pid)).to.deep.equal([scheduler.process.pid]);
    await scheduler.process.kill();
    await becomes((seen) => (seen[0]?.ageMs ?? 0) > 1_500);
  });
});
