import { expect } from "chai";
import { QueueFull } from "../../claims/batch-queue.ts";
import { createCampaignCache } from "../../claims/campaign-cache.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { createLiveView } from "../../server/view/live-view.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { loadedPool } from "../support/loaded-pool.ts";
import { bareCampaign, madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { testBreakers } from "../support/test-breakers.ts";
import { withStores } from "../support/with-stores.ts";

const UNKNOWN_ID = "0".repeat(26);

describe("what a server remembers of campaigns", () => {
  const stores = withStores();
  let records: Records;
  let finds: string[];
  /** The real collection, except that `find` records the ids that it is called with. */
  let campaigns: Campaigns;
  let failing: boolean;

  before(async () => {
    records = recordsOf(stores.db);
  });

  beforeEach(() => {
    finds = [];
    failing = false;
    campaigns = {
      ...records.campaigns,
      find(id: string): Promise<CampaignDoc | null> {
        finds.push(id);
        return failing ? Promise.reject(new Error("not now")) : records.campaigns.find(id);
      },
    };
  });

  describe("campaignCache", () => {
    it("asks MongoDB once for a campaign, and knows it without waiting from then on", async () => {
      const { campaign } = await madeCampaign(records, { onePerUser: false });
      const campaignCache = createCampaignCache(campaigns, fakeClock());
      expect(campaignCache.peek(campaign._id)).to.equal(undefined);
      const facts = await campaignCache.find(campaign._id);
      expect(facts).to.deep.equal({
        onePerUser: false,
        claimAuth: "open",
        codeFormat: campaign.codeFormat,
        leastGeneration: 0,
        maxPerUser: 1,
      });
      expect(campaignCache.peek(campaign._id)).to.deep.equal(facts);
      await campaignCache.find(campaign._id);
      expect(finds).to.deep.equal([campaign._id]);
    });

    it("looks up 1,000 at once at most; who comes then is told that it is too much", async () => {
      let finish: () => void = () => undefined;
      const finished = new Promise<null>((resolve) => {
        finish = () => resolve(null);
      });
      const campaignCache = createCampaignCache({ ...campaigns, find: () => finished }, fakeClock());
      const asked = Array.from({ length: 1_000 }, (_, i) => campaignCache.find(`c${i}`));
      const refused = await campaignCache.find("one more").catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(QueueFull);
      const same = campaignCache.find("c7");
      finish();
      expect(await Promise.all([...asked, same])).to.deep.equal(Array(1_001).fill(null));
      expect(await campaignCache.find("one more")).to.equal(null);
    });

    it("many who ask at once share one question", async () => {
      const { campaign } = await madeCampaign(records);
      const campaignCache = createCampaignCache(campaigns, fakeClock());
      const answers = await Promise.all(Array.from({ length: 50 }, () => campaignCache.find(campaign._id)));
      expect([new Set(answers).size, finds.length]).to.deep.equal([1, 1]);
    });

    it("believes for a second that a campaign is unknown, then asks again", async () => {
      const clock = fakeClock();
      const campaignCache = createCampaignCache(campaigns, clock);
      const id = `${UNKNOWN_ID.slice(1)}1`;
      expect(await campaignCache.find(id)).to.equal(null);
      await bareCampaign(records, { _id: id });
      clock.pass(999);
      expect(await campaignCache.find(id)).to.equal(null);
      clock.pass(1);
      expect(await campaignCache.find(id)).to.include({ onePerUser: true });
      expect(campaignCache.peek(id)).to.include({ onePerUser: true });
      expect(finds).to.have.length(2);
    });

    it("does not remember trouble", async () => {
      const { campaign } = await madeCampaign(records);
      const campaignCache = createCampaignCache(campaigns, fakeClock());
      failing = true;
      const trouble = await campaignCache.find(campaign._id).catch((error: Error) => error.message);
      expect(trouble).to.equal("not now");
      failing = false;
      expect(await campaignCache.find(campaign._id)).to.include({ onePerUser: true });
    });

    it("keeps the campaigns that are asked for, and 10,000 ids at most, known or not", async () => {
      // `find` is replaced here: 20,000 round trips would prove nothing more about the cache.
      const doc = await bareCampaign(records);
      const asked = new Map<string, number>();
      const counting: Campaigns = {
        ...campaigns,
        find(id) {
          asked.set(id, (asked.get(id) ?? 0) + 1);
          return Promise.resolve(id.startsWith("1") ? { ...doc, _id: id } : null);
        },
      };
      const campaignCache = createCampaignCache(counting, fakeClock());
      const idOf = (kind: 0 | 1, i: number) => `${kind}${String(i).padStart(25, "0")}`;
      for (const kind of [0, 1] as const) {
        for (let i = 0; i <= 10_000; i++) {
          await campaignCache.find(idOf(kind, i));
          if (i % 1_000 === 0) await campaignCache.find(idOf(kind, 0));
        }
        for (const i of [0, 1, 10_000]) await campaignCache.find(idOf(kind, i));
        const times = [0, 1, 10_000].map((i) => asked.get(idOf(kind, i)));
        expect(times, `kind ${kind}`).to.deep.equal([1, 2, 1]);
      }
      expect(campaignCache.peek(idOf(1, 0))).not.to.equal(undefined);
    });
  });

  describe("live view", () => {
    it("shows campaign and pool; asks the stores at most once in 100 ms, whoever looks", async () => {
      const { campaign } = await madeCampaign(records);
      await loadedPool(stores.pool, { campaignId: campaign._id });
      const clock = fakeClock();
      const view = createLiveView(campaigns, stores.pool, testBreakers(clock), clock);
      const looks = await Promise.all(Array.from({ length: 20 }, () => view.look(campaign._id)));
      expect(looks[0]?.campaign._id).to.equal(campaign._id);
      expect(looks[0]?.pool).to.include({ status: "ok", openCodes: 3 });
      clock.pass(99);
      await view.look(campaign._id);
      expect(finds).to.have.length(1);
      clock.pass(1);
      await view.look(campaign._id);
      expect(finds).to.have.length(2);
      clock.step(-3_600_000);
      clock.pass(100);
      await view.look(campaign._id);
      expect(finds, "a clock that steps back must not freeze the view").to.have.length(3);
    });

    it("what was seen before the start or the end is not told after it, however fresh it is", async () => {
      const clock = fakeClock();
      const startsAt = new Date(clock.now() + 50);
      const endsAt = new Date(clock.now() + 80);
      const doc = await bareCampaign(records);
      const asked: number[] = [];
      const view = createLiveView(
        {
          async find() {
            asked.push(clock.now() - startsAt.getTime());
            return { ...doc, startsAt, endsAt };
          },
        },
        stores.pool,
        testBreakers(clock),
        clock,
      );
      await view.look(doc._id);
      for (const ms of [49, 1, 29, 1]) {
        clock.pass(ms);
        expect(view.peek(doc._id) === undefined, `${ms} ms later`).to.equal(ms === 1);
        await view.look(doc._id);
      }
      expect(asked).to.deep.equal([-50, 0, 30]);
    });

    it("a look that was under way when the start came is made again", async () => {
      const clock = fakeClock();
      const startsAt = new Date(clock.now() + 50);
      const doc = await bareCampaign(records);
      let asked = 0;
      let answer: () => void = () => undefined;
      const view = createLiveView(
        {
          find() {
            asked++;
            if (asked > 1) return Promise.resolve({ ...doc, startsAt, generated: asked });
            return new Promise((resolve) => {
              answer = () => resolve({ ...doc, startsAt, generated: asked });
            });
          },
        },
        stores.pool,
        testBreakers(clock),
        clock,
      );
      const looking = view.look(doc._id);
      clock.pass(50);
      answer();
      expect((await looking)?.campaign.generated).to.equal(2);
    });

    it("says null where there is no campaign, and shows the campaign alone where Redis does not answer", async () => {
      const view = createLiveView(campaigns, stores.pool, testBreakers(fakeClock()), fakeClock());
      expect(await view.look(UNKNOWN_ID)).to.equal(null);
      const { campaign } = await madeCampaign(records);
      const silent = { ...stores.pool, inspect: () => Promise.reject(new Error("no Redis")) };
      const look = await createLiveView(campaigns, silent, testBreakers(fakeClock()), fakeClock()).look(
        campaign._id,
      );
      expect([look?.campaign._id, look?.pool]).to.deep.equal([campaign._id, undefined]);
    });

    it("does not remember trouble", async () => {
      const { campaign } = await madeCampaign(records);
      const view = createLiveView(campaigns, stores.pool, testBreakers(fakeClock()), fakeClock());
      failing = true;
      expect(await view.look(campaign._id).catch((error: Error) => error.message)).to.equal("not now");
      failing = false;
      expect((await view.look(campaign._id))?.campaign._id).to.equal(campaign._id);
    });
  });
});
