import { expect } from "chai";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { EventEntry } from "../../record/event-documents.ts";
import { createEventLog, entryId } from "../../record/event-log.ts";
import { createFeeds } from "../../record/feeds.ts";
import { withStores } from "../support/with-stores.ts";

describe("the collections of the event feed", () => {
  const stores = withStores();
  const entryOf = (campaignId: string, n: number, from = n): EventEntry => ({
    ...{ _id: entryId(campaignId, n), campaignId, n, at: new Date(n), kind: "changes", from, to: from },
    head: { revision: from, generation: 0, seq: 0, issued: 0, total: 1 },
  });

  it("of two writers the first has a number, and nothing that follows the other's is written", async () => {
    const log = createEventLog(stores.db);
    const [id, other] = [newCampaignId(Date.now()), newCampaignId(Date.now())];
    expect(await log.last(id)).to.equal(null);
    expect(await log.append([entryOf(id, 1), entryOf(id, 2)])).to.equal(true);
    expect(await log.append([entryOf(id, 2, 7), entryOf(id, 3, 7)])).to.equal(false);
    expect(await log.append([entryOf(other, 9), entryOf(other, 10)])).to.equal(true);
    expect(await log.last(id)).to.deep.equal(entryOf(id, 2));
    expect((await log.last(other))?.n).to.equal(10);
    expect((await log.from(id, 1, 9)).map(({ n }) => n)).to.deep.equal([1, 2]);
    expect((await log.from(other, 10, 9)).map(({ n }) => n)).to.deep.equal([10]);
    expect((await log.from(id, 1, 1)).map(({ n }) => n)).to.deep.equal([1]);
  });

  it("a complete log is counted again as its age doubles, and no more after a while", async () => {
    const feeds = createFeeds(stores.db);
    const id = newCampaignId(Date.now());
    const complete = { revision: 3, issued: 9 };
    await feeds.recordComplete(id, complete, { leastMs: 0, mostMs: 3_600_000 });
    expect(await feeds.checksDue(10)).to.include(id);
    await feeds.recordComplete(id, complete, { leastMs: 60_000, mostMs: 3_600_000 });
    expect(await feeds.checksDue(10)).not.to.include(id);
    const { complete: since, checkAt } = (await feeds.find(id)) ?? {};
    expect(since).to.include(complete);
    expect(Number(checkAt) - Number(since?.since)).to.be.at.least(60_000);
    await feeds.recordComplete(id, complete, { leastMs: 0, mostMs: -1 });
    expect(await feeds.find(id)).not.to.have.property("checkAt");
    // A change of the campaign begins anew.
    await feeds.recordComplete(id, { ...complete, revision: 4 }, { leastMs: 0, mostMs: 3_600_000 });
    expect(await feeds.find(id)).to.have.property("checkAt");
  });
});
