import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import { type Campaigns, createCampaigns } from "../../record/campaigns.ts";
import type { HistoryVerb } from "../../record/documents.ts";
import { type CampaignDoc, RECORDED_STATES } from "../../record/documents.ts";
import { connectMongo } from "../../record/mongo.ts";
import type { OwnStep } from "../../record/steps.ts";
import { UserError } from "../../runtime/user-error.ts";
import { HANG_MS } from "../support/patience.ts";
import { withStores } from "../support/with-stores.ts";

/** A step of the scheduler. */
const step = (verb: HistoryVerb, more: Partial<OwnStep> = {}): OwnStep => ({
  by: "scheduler",
  verb,
  ...more,
});

describe("campaigns", () => {
  const stores = withStores("each");
  let campaigns: Campaigns;

  beforeEach(async () => {
    campaigns = createCampaigns(stores.db);
  });

  const docOf = (given: Partial<CampaignDoc> = {}): CampaignDoc => ({
    _id: newCampaignId(Date.now()),
    name: "a campaign",
    total: 10,
    startsAt: new Date(1_000),
    onePerUser: true,
    codeFormat: "가가가가가가0000",
    state: "GENERATING",
    generation: 0,
    generated: 0,
    createdAt: new Date(),
    ...given,
  });
  const made = (given: Partial<CampaignDoc> = {}) => campaigns.create(docOf(given));
  const stateOf = async (id: string) => (await campaigns.find(id))?.state;

  describe("create", () => {
    it("the same request id many times at once: one campaign, and everybody gets it", async () => {
      const asks = Array.from({ length: 20 }, (_, i) => docOf({ requestId: "request-1", name: `ask ${i}` }));
      const answers = await Promise.all(asks.map((doc) => campaigns.create(doc)));
      const ids = new Set(answers.map(({ _id }) => _id));
      expect(ids.size).to.equal(1);
      expect(await stores.db.collection("campaigns").countDocuments()).to.equal(1);
      expect(await campaigns.findByRequest("request-1")).to.deep.equal(answers[0]);
    });

    it("without a request id each ask is a campaign of its own", async () => {
      await Promise.all(Array.from({ length: 5 }, () => made()));
      expect(await campaigns.list("", 10)).to.have.length(5);
    });

    it("an id that exists is an error, not somebody's campaign", async () => {
      const { _id } = await made();
      const trouble = await made({ _id }).catch((error: Error) => error.message);
      expect(trouble).to.match(/E11000/);
      const requested = await made({ _id, requestId: "r" }).catch((error: Error) => error.message);
      expect(requested).to.match(/E11000/);
    });

    it("sums the totals of formats, and knows which are in use", async () => {
      await made({ total: 30 });
      await made({ total: 12, state: "ENDED" });
      await made({ total: 5, codeFormat: "가가00" });
      await made({ total: 7, codeFormat: "가가00", adding: { count: 2 } });
      const totals = await campaigns.totalsByFormat();
      expect([...totals].sort()).to.deep.equal([
        ["가가00", 14],
        ["가가가가가가0000", 42],
      ]);
      expect(await campaigns.formatsInUse()).to.have.members(["가가가가가가0000", "가가00"]);
    });
  });

  describe("lease", () => {
    it("is one owner's until it ends on MongoDB's clock; the owner may take it again", async () => {
      const { _id } = await made();
      expect((await campaigns.takeLease(_id, "a", 60_000, false))?.lease?.owner).to.equal("a");
      expect(await campaigns.takeLease(_id, "b", 60_000, false)).to.equal(null);
      expect((await campaigns.takeLease(_id, "a", 10, false))?.lease?.owner).to.equal("a");
      const taken = () => campaigns.takeLease(_id, "b", 60_000, false);
      expect(await until(async () => (await taken())?.lease?.owner === "b", HANG_MS, 5)).to.equal(true);
      expect(await campaigns.renewLease(_id, "a", 60_000)).to.equal(false);
      expect(await campaigns.renewLease(_id, "b", 60_000)).to.equal(true);
    });

    it("many at once: exactly one gets it, and the generation rises once", async () => {
      const { _id } = await made();
      const owners = Array.from({ length: 20 }, (_, i) => `owner-${i}`);
      const taken = await Promise.all(owners.map((owner) => campaigns.takeLease(_id, owner, 60_000, true)));
      const winners = taken.filter((doc) => doc !== null);
      expect(winners).to.have.length(1);
      expect(winners[0]?.generation).to.equal(1);
      expect(await campaigns.find(_id)).to.deep.equal(winners[0]);
    });

    it("raises the generation only when asked to, and each time", async () => {
      const { _id } = await made();
      const generations = [];
      for (const raise of [true, false, true, true])
        generations.push((await campaigns.takeLease(_id, "a", 60_000, raise))?.generation);
      expect(generations).to.deep.equal([1, 1, 2, 3]);
    });

    it("is dropped by its owner only", async () => {
      const { _id } = await made();
      await campaigns.takeLease(_id, "a", 60_000, false);
      await campaigns.dropLease(_id, "b");
      expect((await campaigns.find(_id))?.lease?.owner).to.equal("a");
      await campaigns.dropLease(_id, "a");
      expect(await campaigns.find(_id)).not.to.have.property("lease");
      expect(await campaigns.renewLease(_id, "a", 60_000)).to.equal(false);
      expect(await campaigns.takeLease("no such campaign", "a", 60_000, true)).to.equal(null);
    });

    it("renewing extends it from now", async () => {
      const { _id } = await made();
      await campaigns.takeLease(_id, "a", 1, false);
      await campaigns.renewLease(_id, "a", 60_000);
      expect(await campaigns.takeLease(_id, "b", 60_000, false)).to.equal(null);
    });
  });

  describe("states", () => {
    it("a step is made once, from the states that are named, and the instant of opening stays", async () => {
      const { _id } = await made({ state: "SCHEDULED" });
      const openedAt = new Date(5_000);
      const steps = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          campaigns.advance(_id, ["SCHEDULED"], "OPEN", step("open", { openedAt: new Date(5_000 + i) })),
        ),
      );
      expect(steps.filter(Boolean)).to.have.length(1);
      const opened = (await campaigns.find(_id))?.openedAt?.getTime() ?? 0;
      expect(opened).to.be.within(openedAt.getTime(), openedAt.getTime() + 9);
      expect(
        await campaigns.advance(_id, ["OPEN"], "SOLD_OUT", step("sell-out", { openedAt: new Date(9_999) })),
      ).to.equal(true);
      expect(await campaigns.find(_id)).to.deep.include({ state: "SOLD_OUT", openedAt: new Date(opened) });
      expect(await campaigns.advance(_id, ["SCHEDULED", "OPEN"], "ENDED", step("end"))).to.equal(false);
      expect(await stateOf(_id)).to.equal("SOLD_OUT");
      expect(await campaigns.advance("no such campaign", ["OPEN"], "ENDED", step("end"))).to.equal(false);
    });

    it("an opening and an end are dated twice: when they came about, and when they were written down", async () => {
      const endsAt = new Date(9_000);
      const { _id } = await made({ state: "SCHEDULED", endsAt });
      await campaigns.advance(_id, ["SCHEDULED"], "OPEN", step("open", { openedAt: new Date(5_000) }));
      await campaigns.advance(_id, ["OPEN"], "ENDED", step("end", { endsAt }));
      const entries = (await campaigns.find(_id))?.outbox ?? [];
      expect(entries.map(({ verb, happenedAt }) => [verb, happenedAt?.getTime()])).to.deep.equal([
        ["open", 5_000],
        ["end", 9_000],
      ]);
      for (const { at } of entries) expect(at.getTime()).to.be.closeTo(Date.now(), 60_000);
    });

    it("a step is made only with the coupons and the end that it was judged by", async () => {
      const endsAt = new Date(5_000);
      const { _id } = await made({ state: "OPEN", endsAt });
      const end = (more: Partial<OwnStep>) => campaigns.advance(_id, ["OPEN"], "ENDED", step("end", more));
      expect(await end({ total: 9, endsAt })).to.equal(false);
      expect(await end({ total: 10, endsAt: new Date(5_001) })).to.equal(false);
      expect(await end({ total: 10, endsAt })).to.equal(true);
      expect(await campaigns.find(_id))
        .to.include({ state: "ENDED" })
        .and.not.have.property("dropped");
    });

    it("what is over gets no more coupons: an addition under way is dropped, and nobody goes on with it", async () => {
      const { _id } = await made({ state: "OPEN", adding: { count: 5 } });
      expect((await campaigns.nextToGenerate())?._id).to.equal(_id);
      expect(await campaigns.advance(_id, ["OPEN"], "ENDED", step("end"))).to.equal(true);
      expect(await campaigns.find(_id))
        .to.include({ total: 10, dropped: 5 })
        .and.not.have.property("adding");
      for (const state of ["ENDED", "CANCELLED"] as const) {
        // A document in the state in which an earlier version left it.
        const left = await made({ state, adding: { count: 5 } });
        await campaigns.takeLease(left._id, "generator", 60_000, false);
        expect(await campaigns.finishAdding(left._id, "generator", 5)).to.equal(null);
        await campaigns.dropLease(left._id, "generator");
      }
      expect(await campaigns.nextToGenerate()).to.equal(null);
      const paused = await made({ state: "PAUSED", adding: { count: 5 } });
      await campaigns.takeLease(paused._id, "generator", 60_000, false);
      expect(await campaigns.finishAdding(paused._id, "generator", 5)).to.include({ total: 15 });
    });

    it("sold out and over: those whose end has come, soonest first, by an index of its own", async () => {
      const sold = (endsAtMs?: number) =>
        made({ state: "SOLD_OUT", ...(endsAtMs === undefined ? {} : { endsAt: new Date(endsAtMs) }) });
      await sold();
      await sold(3_001);
      await made({ state: "OPEN", endsAt: new Date(1_000) });
      const [second, first, third] = [await sold(2_000), await sold(1_000), await sold(3_000)];
      const ids = async (limit: number) =>
        (await campaigns.soldOutAndOver(new Date(3_000), limit)).map(({ _id }) => _id);
      expect(await ids(10)).to.deep.equal([first._id, second._id, third._id]);
      expect(await ids(2)).to.deep.equal([first._id, second._id]);
      const plan = await stores.db
        .collection("campaigns")
        .find({ state: "SOLD_OUT", endsAt: { $lte: new Date() }, removing: { $exists: false } })
        .sort({ endsAt: 1 })
        .explain("queryPlanner");
      expect(JSON.stringify(plan["queryPlanner"].winningPlan)).to.contain("sold_out_before_end");
    });

    it("the number of made codes only rises", async () => {
      const { _id } = await made();
      for (const generated of [5, 3, 9, 1]) await campaigns.recordGenerated(_id, generated);
      expect((await campaigns.find(_id))?.generated).to.equal(9);
    });

    it("live is what may still change, soonest start first, and not more than asked for", async () => {
      for (const [i, state] of RECORDED_STATES.entries())
        await made({
          state,
          name: state,
          startsAt: new Date(100_000 - i),
          generation: 2,
          loadedGeneration: 2,
        });
      // A change of this campaign has begun and not ended: its pool may be held.
      await made({ state: "SOLD_OUT", name: "unfinished", generation: 3, loadedGeneration: 2 });
      const names = (docs: CampaignDoc[]) => docs.map(({ name }) => name);
      const all = await campaigns.live(10);
      expect(names(all).sort()).to.deep.equal(["OPEN", "PAUSED", "SCHEDULED", "unfinished"]);
      expect(all.map(({ _id }) => _id)).to.deep.equal(all.map(({ _id }) => _id).sort());
      expect(await campaigns.live(2)).to.deep.equal(all.slice(0, 2));
      expect(await campaigns.live(2, all[1]?._id)).to.deep.equal(all.slice(2));
    });

    it("next to generate: the soonest start that nobody works on", async () => {
      const later = await made({ startsAt: new Date(2_000) });
      const sooner = await made({ startsAt: new Date(1_000) });
      await made({ startsAt: new Date(0), state: "SCHEDULED" });
      expect((await campaigns.nextToGenerate())?._id).to.equal(sooner._id);
      await campaigns.takeLease(sooner._id, "a", 60_000, false);
      expect((await campaigns.nextToGenerate())?._id).to.equal(later._id);
      await campaigns.takeLease(later._id, "a", 60_000, false);
      expect(await campaigns.nextToGenerate()).to.equal(null);
    });

    it("lists newest first, page by page, each once", async () => {
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) ids.push((await made({ _id: newCampaignId(1_000 + i) }))._id);
      const seen: string[] = [];
      for (let before = ""; ; ) {
        const page = await campaigns.list(before, 3);
        seen.push(...page.map(({ _id }) => _id));
        before = page.at(-1)?._id ?? "";
        if (page.length < 3) break;
      }
      expect(seen).to.deep.equal(ids.toReversed());
    });
  });

  describe("connecting", () => {
    const connectTo = (url: string) =>
      connectMongo({ url, database: "test-none", connectWithinMs: 300, operationMs: 300 }).then(
        () => new Error("connected"),
        (error: unknown) => error,
      );

    it("says in one line that there is no MongoDB, where it looked, and nothing of the password", async () => {
      const error = await connectTo("mongodb://me:secret@127.0.0.1:1/?directConnection=true");
      expect(error).to.be.instanceOf(UserError);
      expect(String(error)).to.match(/no MongoDB at 127\.0\.0\.1:1 .*MONGODB_URL/);
      expect(String(error)).not.to.match(/secret/);
    });

    it("says what is wrong with an address that cannot be one", async () => {
      const error = await connectTo("mongodb://");
      expect(error).to.be.instanceOf(UserError);
      expect(String(error)).to.match(/MONGODB_URL/);
    });

    it("the indexes that decide are there, and unique", async () => {
      const unique = async (collection: string) =>
        (await stores.db.collection(collection).indexes())
          .filter((index) => index.unique)
          .map(({ name }) => name);
      expect(await unique("campaigns")).to.deep.equal(["one_per_request"]);
      expect(await unique("coupons")).to.deep.equal(["one_per_ordinal"]);
      expect(await unique("issuances")).to.deep.equal(["one_per_claim_key", "one_per_place"]);
      expect(stores.db.writeConcern).to.include({ w: "majority", journal: true });
      expect(stores.db.readConcern?.level).to.equal("majority");
    });
  });
});
