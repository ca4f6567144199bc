import { expect } from "chai";
import type { CampaignDoc } from "../../record/documents.ts";
import { refusal } from "../support/answers.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

describe("Metadata of campaigns", () => {
  const stores = withStores();
  let services: Services;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    clients = connectClients((await services.start()).url);
  });
  after(() => services.end());

  const listed = async (metadata: Record<string, string>, pageSize = 0) => {
    const ids: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await clients.campaigns.listCampaigns({ metadata, pageSize, pageToken });
      ids.push(...page.campaigns.map(({ id }) => id));
      pageToken = page.nextPageToken;
      if (pageToken === "") return ids;
    }
  };

  it("is kept, shown, merged by an edit, and in the history; a repeated request with other metadata is refused", async () => {
    const created = await createCampaign(clients, {
      total: 1,
      metadata: { channel: "app", "cost.center": "=4711=" },
      requestId: "made once",
    });
    const campaignId = created.id;
    await untilState(clients, campaignId, "OPEN");
    const shown = async () => (await clients.campaigns.getCampaign({ campaignId })).campaign?.metadata;
    expect(await shown()).to.deep.equal({ channel: "app", "cost.center": "=4711=" });
    const edit = {
      campaignId,
      setMetadata: { channel: "web", owner: "김" },
      removeMetadata: ["cost.center", "none"],
    };
    const tried = await clients.campaigns.updateCampaign({ ...edit, dryRun: true });
    expect(tried.campaign?.metadata).to.deep.equal({ channel: "web", owner: "김" });
    expect(await shown()).to.deep.equal({ channel: "app", "cost.center": "=4711=" });
    const requestId = "edited once";
    const edited = await clients.campaigns.updateCampaign({ ...edit, requestId });
    expect([edited.already, await shown()]).to.deep.equal([false, { channel: "web", owner: "김" }]);
    expect((await clients.campaigns.updateCampaign({ ...edit, requestId })).already).to.equal(true);
    expect((await clients.campaigns.updateCampaign(edit)).already).to.equal(true);
    const other = clients.campaigns.updateCampaign({ ...edit, setMetadata: { a: "b" }, requestId });
    expect((await refusal(other)).message).to.include("other metadata");
    const { entries } = await clients.campaigns.listHistory({ campaignId });
    const [last, first] = [entries.find(({ verb }) => verb === "edit"), entries.at(-1)];
    expect([last?.before?.metadata, last?.after?.metadata]).to.deep.equal([
      { channel: "app", "cost.center": "=4711=" },
      { channel: "web", owner: "김" },
    ]);
    expect(first?.after?.metadata).to.deep.equal({ channel: "app", "cost.center": "=4711=" });
    // The steps that the service makes by itself keep it.
    expect(entries.find(({ verb }) => verb === "open")?.after?.metadata).to.have.property("channel", "app");
    await clients.campaigns.updateCampaign({ campaignId, removeMetadata: ["channel", "owner"] });
    expect(await shown()).to.deep.equal({});
    const doc = await stores.db.collection<CampaignDoc>("campaigns").findOne({ _id: campaignId });
    expect(doc).not.to.have.property("metadata");
    const changed = { total: 1, name: created.name, startsAt: created.startsAt, requestId: "made once" };
    const again = clients.campaigns.createCampaign({
      ...changed,
      onePerUser: created.onePerUser,
      metadata: { a: "b" },
    });
    expect((await refusal(again)).message).to.include("another metadata");
  });

  it("filters the list, by all entries that are asked for, page by page, from an index", async () => {
    const made = (metadata: Record<string, string>) => createCampaign(clients, { total: 1, metadata });
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.unshift((await made({ wave: "summer", n: String(i % 2) })).id);
    await made({ wave: "summer=" });
    await made({ wave2: "summer" });
    expect(await listed({ wave: "summer" })).to.deep.equal(ids);
    expect(await listed({ wave: "summer" }, 2)).to.deep.equal(ids);
    expect(await listed({ wave: "summer", n: "1" }, 1)).to.deep.equal([ids[1], ids[3]]);
    expect(await listed({ wave: "winter" })).to.deep.equal([]);
    const plan = await stores.db
      .collection("campaigns")
      .find({ metadata: { $all: ["wave=summer", "n=1"] } })
      .sort({ _id: -1 })
      .explain("queryPlanner");
    expect(JSON.stringify(plan["queryPlanner"].winningPlan)).to.include("by_metadata");
  });

  it("bad metadata is refused with its field: create, edit, list", async () => {
    const startsAt = { seconds: BigInt(Math.ceil(Date.now() / 1_000) + 3_600), nanos: 0 };
    const one = await createCampaign(clients, {
      total: 1,
      metadata: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, "v"])),
    });
    const campaignId = one.id;
    for (const [call, words] of [
      [
        () => clients.campaigns.createCampaign({ name: "a", total: 1, startsAt, metadata: { K: "v" } }),
        "metadata: has a key",
      ],
      [
        () => clients.campaigns.createCampaign({ name: "a", total: 1, startsAt, metadata: { k: "" } }),
        "metadata.k: must not",
      ],
      [
        () => clients.campaigns.updateCampaign({ campaignId, setMetadata: { k21: "v" } }),
        "set_metadata: would leave",
      ],
      [
        () =>
          clients.campaigns.updateCampaign({ campaignId, setMetadata: { k1: "w" }, removeMetadata: ["k1"] }),
        "remove_metadata",
      ],
      [() => clients.campaigns.updateCampaign({ campaignId }), "nothing to change"],
      [() => clients.campaigns.listCampaigns({ metadata: { "a b": "c" } }), "metadata: has a key"],
    ] as const) {
      const refused = await refusal(call());
      expect([refused.reason, refused.message.includes(words) ? words : refused.message]).to.deep.equal([
        "INVALID",
        words,
      ]);
    }
    await clients.campaigns.updateCampaign({ campaignId, setMetadata: { k21: "v" }, removeMetadata: ["k1"] });
  });
});
