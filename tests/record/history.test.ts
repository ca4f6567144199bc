import { expect } from "chai";
import type { Db } from "mongodb";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { CampaignDoc, HistoryDoc } from "../../record/documents.ts";
import { createHistory, historyId } from "../../record/history.ts";
import { withStores } from "../support/with-stores.ts";

describe("history", () => {
  const stores = withStores("each");
  const campaignId = newCampaignId(Date.now());
  const entry = (revision: number) =>
    ({ _id: historyId(campaignId, revision), campaignId, revision, verb: "edit" }) as HistoryDoc;
  const revisions = (entries: readonly HistoryDoc[]) => entries.map(({ revision }) => revision);

  async function holding(written: readonly number[], waiting: readonly number[]) {
    const outbox = waiting.map(entry);
    await stores.db
      .collection<CampaignDoc>("campaigns")
      .insertOne({ _id: campaignId, outbox } as CampaignDoc);
    if (written.length > 0) await stores.db.collection<HistoryDoc>("history").insertMany(written.map(entry));
    return createHistory(stores.db);
  }

  it("is read from both ends, in pages, the written and what waits alike", async () => {
    const history = await holding([0, 1, 2, 3], [3, 4, 5]);
    expect(revisions(await history.list(campaignId, undefined, 10))).to.deep.equal([5, 4, 3, 2, 1, 0]);
    expect(revisions(await history.list(campaignId, 4, 2))).to.deep.equal([3, 2]);
    expect(revisions(await history.listAfter(campaignId, -1, 10))).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(revisions(await history.listAfter(campaignId, 1, 3))).to.deep.equal([2, 3, 4]);
    expect(revisions(await history.listAfter(campaignId, 5, 3))).to.deep.equal([]);
  });

  it("an entry that is moved while it is read, between its two places, is not missed", async () => {
    await holding([0, 1], [2]);
    const flush = () => createHistory(stores.db).flush(campaignId);
    const history = createHistory(pausingAfterReads(stores.db, flush));
    expect(revisions(await history.listAfter(campaignId, 0, 10))).to.deep.equal([1, 2]);
    expect((await stores.db.collection<CampaignDoc>("campaigns").findOne())?.outbox).to.deep.equal([]);
  });

  it("an entry that is not visible yet beside a later one is looked for again, and none is missed", async () => {
    // Two entries are written and moved after the outbox was read, and the later one is visible first.
    await holding([0, 1, 3], []);
    const campaigns = stores.db.collection<CampaignDoc>("campaigns");
    let moved = false;
    const history = createHistory(
      pausingAfterReads(stores.db, async () => {
        if (!moved) await campaigns.updateOne({ _id: campaignId }, { $set: { outbox: [entry(2)] } });
        moved = true;
      }),
    );
    expect(revisions(await history.listAfter(campaignId, 1, 10))).to.deep.equal([2, 3]);
    // An entry that is lost for good, by no fault of the service, does not stop a reader.
    await campaigns.updateOne({ _id: campaignId }, { $set: { outbox: [] } });
    expect(revisions(await history.listAfter(campaignId, 1, 10))).to.deep.equal([3]);
  });
});

/**
 * The same database, except that `meanwhile` runs after each read of an outbox or of the written entries.
 */
function pausingAfterReads(db: Db, meanwhile: () => Promise<void>): Db {
  const after = async <T>(found: Promise<T>): Promise<T> => {
    const one = await found;
    await meanwhile();
    return one;
  };
  const [campaigns, entries] = [
    db.collection<CampaignDoc>("campaigns"),
    db.collection<HistoryDoc>("history"),
  ];
  const find = (filter: object) => {
    const cursor = entries.find(filter);
    const toArray = cursor.toArray.bind(cursor);
    return Object.assign(cursor, { toArray: () => after(toArray()) });
  };
  const findOne = (filter: object, options: object) => after(campaigns.findOne(filter, options));
  const pausing: Record<string, unknown> = {
    campaigns: Object.create(campaigns, { findOne: { value: findOne } }),
    history: Object.create(entries, { find: { value: find } }),
  };
  return Object.create(db, { collection: { value: (name: string) => pausing[name] ?? db.collection(name) } });
}
