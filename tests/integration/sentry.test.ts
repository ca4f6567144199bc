import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX, leakIn } from "../support/quiet-logs.ts";
import { type SentryIngest, startSentryIngest } from "../support/sentry-ingest.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

describe("a service with SENTRY_DSN", () => {
  const stores = withStores();
  let services: Services;
  let ingest: SentryIngest;

  before(async () => {
    services = createServices(stores.env);
    ingest = await startSentryIngest();
  });
  after(async () => {
    await services.end();
    await ingest.close();
  });

  /** A sale whose first code has an issuance already, as after a pool came back from the past. */
  async function sell(env: Record<string, string>) {
    const service = await services.start({ env });
    const clients = connectClients(service.url);
    const campaignId = await createOpenCampaign(clients, { total: 3 });
    const first = await stores.db.collection<{ _id: string }>("coupons").findOne({ campaignId, ordinal: 0 });
    const taken: { _id: string } = Object.assign(
      { _id: first?._id ?? "" },
      { campaignId, claimKey: `${KEY_PREFIX}owner`, generation: 0, seq: 9, issuedAt: new Date() },
    );
    await stores.db.collection<{ _id: string }>("issuances").insertOne(taken);
    const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}a` });
    return { service, campaignId, codes: [taken._id, coupon?.code ?? ""] };
  }

  it("reports the errors of a sale, with no code, no user and no token in them", async () => {
    const { service, campaignId, codes } = await sell({ SENTRY_DSN: ingest.dsn, SENTRY_ENVIRONMENT: "test" });
    const isIt = () =>
      ingest.events().find(({ logentry }) => logentry.message.includes("the code is dropped"));
    expect(await until(() => isIt() !== undefined, HANG_MS)).to.equal(true);
    expect(isIt()).to.include({ level: "error", environment: "test" });
    expect(isIt()?.tags).to.include({ campaign: campaignId, component: "claims" });
    expect(isIt()?.release).to.match(/^coupon-issuer@\d/);
    const all = ingest.bodies.join("\n");
    for (const secret of [...codes, KEY_PREFIX, OPERATOR_TOKEN, ingest.key])
      expect(all, secret).to.not.include(secret);
    expect(ingest.bodies.filter(leakIn)).to.deep.equal([]);
    expect(await service.process.stop()).to.equal(0);
    expect(services.lines.filter((line) => line.includes(ingest.key))).to.deep.equal([]);
  });

  it("whose host does not answer sells and stops as one without", async () => {
    const silent = await startSentryIngest();
    silent.answer = undefined;
    try {
      const { service } = await sell({ SENTRY_DSN: silent.dsn });
      expect(await until(() => silent.bodies.length > 0, HANG_MS)).to.equal(true);
      expect(await service.process.stop()).to.equal(0);
    } finally {
      await silent.close();
    }
  });
});
