import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { PreflightColour } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;
/** The MongoDB of the tests has a single member. */
const ALONE = "mongodb-members";

describe("Preflight of running services", () => {
  const stores = withStores();
  let services: Services;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    clients = connectClients((await services.start()).url);
  });
  after(async () => {
    await services.end();
  });

  const look = async (campaignId: string) => {
    const { colour, lines } = await clients.campaigns.preflightCampaign({ campaignId });
    const notGreen = lines.filter((line) => line.colour !== PreflightColour.GREEN);
    return { colour, checks: notGreen.map(({ check }) => check).join(" "), count: lines.length };
  };
  const becomes = async (campaignId: string, checks: string) => {
    let last = await look(campaignId);
    const asExpected = async () => {
      last = await look(campaignId);
      return last.checks === checks;
    };
    await until(asExpected, HANG_MS, 50);
    expect(last.checks).to.equal(checks);
    return last;
  };

  it("one process alone is amber, two leave only the MongoDB by itself, and so it is during and after the sale", async () => {
    const { id } = await createCampaign(clients, { total: 3, startsAtMs: Date.now() + HOUR_MS });
    await untilState(clients, id, "SCHEDULED");
    expect(await becomes(id, `${ALONE} servers schedulers`)).to.include({
      colour: PreflightColour.AMBER,
      count: 20,
    });
    await services.start();
    expect(await becomes(id, ALONE)).to.include({ colour: PreflightColour.AMBER });

    const { id: open } = await createCampaign(clients, { total: 3 });
    await untilState(clients, open, "OPEN");
    await becomes(open, ALONE);
  });

  it("by themselves the schedulers look before a start, one of them, and say what they found", async () => {
    const { id } = await createCampaign(clients, { total: 3, startsAtMs: Date.now() + 8_000 });
    const told = () =>
      services.lines.filter((line) => line.includes(id) && /preflight .* before the start: /.test(line));
    expect(await until(() => told().length > 0, HANG_MS, 20)).to.equal(true);
    await untilState(clients, id, "OPEN");
    expect(told()).to.have.length(1);
    const written = await stores.db.collection("preflights").find({ campaignId: id }).toArray();
    expect(written.map(({ beforeMs }) => beforeMs)).to.deep.equal([10_000]);
  });
});
