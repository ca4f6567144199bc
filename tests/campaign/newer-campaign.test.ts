import { expect } from "chai";
import { readCampaign } from "../../audit/stores/read-mongodb.ts";
import { newCampaignDoc } from "../../campaign/new-campaign.ts";
import { createRestore } from "../../campaign/restore.ts";
import { createCampaignCache } from "../../claims/campaign-cache.ts";
import { createIssueCoupon } from "../../claims/issue-coupon.ts";
import { createRefusedCredentials } from "../../claims/refused-credentials.ts";
import { createSweeper } from "../../claims/sweeper.ts";
import { createTally } from "../../claims/tally.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { newCampaignId, newRehearsalId } from "../../record/campaign-id.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { createRehearsals } from "../../record/rehearsals.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { NewerShape, SHAPE_FIRST, SHAPE_MAX } from "../../runtime/stored-shape.ts";
import { createScheduler } from "../../scheduler/scheduler.ts";
import { createTellTrouble } from "../../server/rpc/trouble.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { issuedBy, openSale, reasonOf } from "../support/open-sale.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const NEWER = SHAPE_MAX + 1;
const SENTENCE = /made by a newer version than that of this server.*ask again with the same key/;

describe("a campaign of a newer shape", () => {
  const stores = withStores("each");
  let raw: RawRedis;
  let records: Records;

  beforeEach(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
    records = recordsOf(stores.db);
  });
  afterEach(async () => {
    raw.destroy();
  });

  const campaigns = () => stores.db.collection<CampaignDoc>("campaigns");
  const docOf = (id: string) => campaigns().findOne({ _id: id });
  const raise = (id: string) => campaigns().updateOne({ _id: id }, { $set: { shape: NEWER } });
  const thrown = (call: Promise<unknown>) =>
    call.then(
      () => "no error",
      (error: unknown) => error,
    );
  function noting() {
    const lines: { readonly fields: object; readonly message: string }[] = [];
    const error = (fields: object, message: string) => void lines.push({ fields, message });
    const logger: Logger = Object.create(silentLogger, { error: { value: error } });
    Object.assign(logger, { child: () => logger });
    return { lines, logger };
  }

  it("is what a new one is not: it carries the lowest shape that its features allow, and no number is the first", async () => {
    const wanted = {
      name: "a",
      total: 1,
      startsAtMs: 0,
      onePerUser: true,
      codeFormat: "가가00",
      actor: "kim",
    };
    const unset = {
      endsAtMs: undefined,
      claimAuth: undefined,
      requestId: undefined,
      maxPerUser: undefined,
      seriesId: undefined,
    };
    const doc = newCampaignDoc(newCampaignId(0), { ...wanted, ...unset }, 0);
    expect(doc.shape).to.equal(SHAPE_FIRST);
    const young = { ...wanted, ...unset, codeFormat: "SUMMER-AAAA0000" };
    expect(newCampaignDoc(newCampaignId(0), young, 0).shape).to.equal(SHAPE_MAX);
    const { campaign } = await madeCampaign(records);
    expect(campaign.shape).to.equal(undefined);
    expect((await records.campaigns.find(campaign._id))?._id).to.equal(campaign._id);
  });

  it("is neither found, leased, stepped, listed, generated for, opened nor removed, and stays as it is", async () => {
    const { campaign } = await madeCampaign(records, { requestId: "r", endsAt: new Date(1) });
    const id = campaign._id;
    const rehearsal = { _id: newRehearsalId(Date.now()), rehearsalOf: id, expiresAt: new Date(1) };
    const shadow = await madeCampaign(records, rehearsal);
    await raise(id);
    await raise(shadow.campaign._id);
    const before = await campaigns().find().toArray();
    const record = records.campaigns;
    const rehearsals = createRehearsals(stores.db);
    for (const call of [
      record.find(id),
      record.findByRequest("r"),
      record.create({ ...campaign, _id: newCampaignId(Date.now()) }),
      rehearsals.mark(shadow.campaign._id),
    ])
      expect(await thrown(call)).to.be.instanceOf(NewerShape);
    expect(await record.takeLease(id, "me", 1_000, true)).to.equal(null);
    await record.askForLease(id, "me", 1_000);
    expect(await record.advance(id, ["SCHEDULED"], "OPEN", { by: "scheduler", verb: "open" })).to.equal(
      false,
    );
    expect(await record.list("", 10, true)).to.deep.equal([]);
    expect(await record.startingBetween(new Date(0), new Date(Date.now()), 10)).to.deep.equal([]);
    expect(await rehearsals.due(10)).to.deep.equal([]);
    await campaigns().updateOne({ _id: id }, { $set: { state: "GENERATING" } });
    expect(await record.nextToGenerate()).to.equal(null);
    await campaigns().updateOne({ _id: id }, { $set: { state: "SOLD_OUT" } });
    expect(await record.soldOutAndOver(new Date(), 10)).to.deep.equal([]);
    await campaigns().updateOne({ _id: id }, { $set: { state: "SCHEDULED" } });
    expect(await campaigns().find().toArray()).to.deep.equal(before);
    expect(String(await thrown(readCampaign(stores.db, id)))).to.include("audit it with that one");
  });

  it("is left alone by scheduler and sweeper, which say so once", async () => {
    const sale = await openSale(stores);
    const id = sale.campaign._id;
    await stores.pool.claim(id, Date.now(), [{ claimKey: "a", userId: "" }]);
    await raise(id);
    await raw.hSet(campaignKeys(id).meta, { shape: NEWER, token: "elsewhere" });
    const before = [await contentsOf(raw, id), await docOf(id)];
    const { lines, logger } = noting();
    const deps = { ...records, pool: stores.pool, clock: systemClock, logger, owner: "test", leaseMs: 1_000 };
    const metrics = createMetrics();
    const scheduler = createScheduler({
      ...deps,
      metrics,
      settleMs: 10_000,
      restore: createRestore({ ...deps, metrics }),
    });
    const clock = fakeClock();
    const sweeper = createSweeper({
      ...deps,
      clock,
      claimer: sale.claimer,
      breakers: sale.breakers,
      metrics,
      sweepAfterMs: 0,
    });
    for (let round = 0; round < 3; round++) {
      await scheduler.reconcile();
      expect(await sweeper.sweep()).to.equal(0);
    }
    await scheduler.stop();
    expect([await contentsOf(raw, id), await docOf(id)]).to.deep.equal(before);
    expect(lines.map(({ fields }) => fields)).to.deep.equal(
      Array(2).fill({ campaign: id, shape: NEWER, understood: SHAPE_MAX }),
    );
    for (const { message } of lines) expect(message).to.include("leaves it alone");
    // A program that understands it finishes all of it.
    await campaigns().updateOne({ _id: id }, { $set: { shape: SHAPE_MAX } });
    await raw.hSet(campaignKeys(id).meta, { shape: SHAPE_MAX });
    await sale.restore(id);
    expect(issuedBy(await sale.issue("a")).replayed).to.equal(true);
  });

  it("is refused to callers with a sentence of its own: before the look-up, and where it became newer since", async () => {
    const sale = await openSale(stores);
    const id = sale.campaign._id;
    const claimAuth = { mode: "open", admit: () => ({ ok: true, value: { userId: "a", isProven: false } }) };
    const issueCoupon = createIssueCoupon({
      claimer: sale.claimer,
      campaignCache: createCampaignCache(records.campaigns, systemClock),
      claimAuth: claimAuth as never,
      clock: systemClock,
      metrics: sale.metrics,
      tally: createTally(),
      refusedCredentials: createRefusedCredentials(systemClock),
      issueDeadlineMs: 5_000,
    });
    const caller = { aborted: false, authorization: undefined, address: "" } as never;
    await raw.hSet(campaignKeys(id).meta, "shape", NEWER);
    const before = await contentsOf(raw, id);
    expect(reasonOf(await sale.issue("a"))).to.equal("OVERLOADED");
    await raise(id);
    const answer = await issueCoupon({ campaignId: id, userId: "a", requestId: "" }, caller);
    expect(answer).to.deep.equal(await sale.issue("a"));
    expect(JSON.stringify(answer)).to.match(/made by a newer version/);
    expect(await contentsOf(raw, id)).to.deep.equal(before);
    const tell = createTellTrouble(silentLogger, systemClock);
    const error = tell(await thrown(records.campaigns.find(id)), "coupon.v1.CampaignService/GetCampaign");
    expect(error.message).to.match(SENTENCE);
  });
});
