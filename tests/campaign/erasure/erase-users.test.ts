import { expect } from "chai";
import { claimKeyOf } from "../../../campaign/claim-key.ts";
import { campaignKeys } from "../../../pool/keys.ts";
import { type AttemptDoc, createAttempts } from "../../../record/attempts.ts";
import type { CampaignDoc, HistoryDoc, IssuanceDoc } from "../../../record/documents.ts";
import type { ErasureDoc } from "../../../record/erasures.ts";
import { createIssuances } from "../../../record/issuances.ts";
import { isPseudonym } from "../../../record/pseudonym.ts";
import { type ErasingSale, erasingSale } from "../../support/erasing-sale.ts";
import { recordsOf } from "../../support/made-campaign.ts";
import { issuedBy, reasonOf } from "../../support/open-sale.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { bytesOfMongo, bytesOfRedis, textsIn } from "../../support/traces-of.ts";
import { withStores } from "../../support/with-stores.ts";

describe("erase users", () => {
  const stores = withStores();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });
  after(() => raw.destroy());

  const issuances = (sale: ErasingSale): Promise<IssuanceDoc[]> =>
    stores.db
      .collection<IssuanceDoc>("issuances")
      .find({ campaignId: sale.campaign._id })
      .sort({ generation: 1, seq: 1 })
      .toArray();
  const claimed = async (sale: ErasingSale, user: string) => issuedBy(await sale.issue(user)).coupon;
  const pool = (sale: ErasingSale) => contentsOf(raw, sale.campaign._id);
  const document = (sale: ErasingSale) =>
    stores.db.collection<CampaignDoc>("campaigns").findOne({ _id: sale.campaign._id });
  /** Where these ids still are, in both stores. */
  async function tracesOf(...ids: string[]) {
    return {
      mongo: textsIn(await bytesOfMongo(stores.db), ids),
      redis: textsIn(await bytesOfRedis(raw), ids),
    };
  }
  const NONE = { mongo: [], redis: [] };

  it("puts a pseudonym in the place of the id, and the same user is told the same coupon", async () => {
    const sale = await erasingSale(stores);
    const [anna, ben] = [await claimed(sale, "user-anna-1"), await claimed(sale, "user-ben-1")];
    await sale.claimer.idle();
    const [done] = await sale.erase(["user-anna-1", "user-nobody-1"]);
    expect(done).to.include({ found: 1, erased: 1, pending: 0 });
    expect(await tracesOf("user-anna-1", "user-nobody-1")).to.deep.equal(NONE);
    const pseudonym = sale.pseudonyms.of(sale.campaign._id, "user-anna-1");
    expect((await issuances(sale)).map(({ claimKey }) => claimKey)).to.deep.equal([pseudonym, "user-ben-1"]);
    expect(Object.keys((await pool(sale)).claims)).to.have.members([pseudonym, "user-ben-1"]);

    expect(issuedBy(await sale.issue("user-anna-1"))).to.deep.include({ replayed: true });
    expect(await claimed(sale, "user-anna-1")).to.include({ code: anna.code, seq: anna.seq });
    expect(await claimed(sale, "user-ben-1")).to.include({ code: ben.code });
    expect(await issuances(sale)).to.have.length(2);
  });

  it("the history says that it happened, by whom and to which places, without the id", async () => {
    const sale = await erasingSale(stores);
    await claimed(sale, "user-b-2");
    const { generation, seq } = await claimed(sale, "user-anna-2");
    await sale.erase(["user-anna-2"]);
    const entries = await recordsOf(stores.db).history.list(sale.campaign._id, undefined, 10);
    const [erased] = entries.filter(({ verb }) => verb === "erase") as [HistoryDoc];
    expect(erased).to.deep.include({ actor: "kim", erased: { count: 1, places: [`${generation}-${seq}`] } });
    expect(await stores.db.collection("erasures").countDocuments({ campaignId: sale.campaign._id })).to.equal(
      0,
    );
  });

  it("a campaign in which nobody is found is left as it is", async () => {
    const sale = await erasingSale(stores);
    await claimed(sale, "user-a-3");
    expect(await sale.erase(["user-nobody-3"])).to.deep.equal([]);
    expect(await document(sale)).to.not.have.any.keys("erasure", "shape");
    expect((await pool(sale)).meta).to.not.have.property("erased");
  });

  it("users whose tokens claimed by request: user and request get pseudonyms, and find their coupons", async () => {
    const sale = await erasingSale(stores, { onePerUser: false });
    const key = claimKeyOf("user-anna-4", "request-of-anna-4");
    const before = issuedBy(await sale.issue(key, { userId: "user-anna-4" })).coupon;
    const alone = issuedBy(await sale.issue("request-alone-4", { userId: "user-anna-4" })).coupon;
    await sale.erase(["user-anna-4"]);
    expect(await tracesOf("user-anna-4", "request-of-anna-4", "request-alone-4")).to.deep.equal(NONE);
    expect(issuedBy(await sale.issue(key, { userId: "user-anna-4" })).coupon.code).to.equal(before.code);
    const again = issuedBy(await sale.issue("request-alone-4", { userId: "user-anna-4" })).coupon;
    expect(again.code).to.equal(alone.code);
    for (const { userId } of await issuances(sale)) expect(isPseudonym(userId ?? "")).to.equal(true);
  });

  it("users who may have several: each is found again under its request, and there are never more", async () => {
    const sale = await erasingSale(stores, { onePerUser: false, maxPerUser: 2, shape: 2 });
    const ask = (request: string) =>
      sale.issue(claimKeyOf("user-anna-15", request), { userId: "user-anna-15" });
    const first = issuedBy(await ask("request-1-of-15")).coupon;
    await sale.claimer.idle();
    await sale.erase(["user-anna-15"]);
    expect(await tracesOf("user-anna-15", "request-1-of-15")).to.deep.equal(NONE);
    expect(issuedBy(await ask("request-1-of-15")).coupon.code).to.equal(first.code);
    const second = issuedBy(await ask("request-2-of-15")).coupon;
    expect(reasonOf(await ask("request-3-of-15"))).to.equal("MAX_PER_USER");
    await sale.claimer.idle();
    await sale.erase(["user-anna-15"]);
    expect(await tracesOf("user-anna-15", "request-2-of-15")).to.deep.equal(NONE);
    expect(issuedBy(await ask("request-2-of-15")).coupon.code).to.equal(second.code);
    expect(reasonOf(await ask("request-3-of-15"))).to.equal("MAX_PER_USER");

    const { meta } = campaignKeys(sale.campaign._id);
    await raw.hSet(meta, "token", "another Redis");
    expect(issuedBy(await ask("request-1-of-15")).coupon.code).to.equal(first.code);
    expect(reasonOf(await ask("request-3-of-15"))).to.equal("MAX_PER_USER");
    expect(await issuances(sale)).to.have.length(2);
  });

  it("a claim that is made while the erasure waits is erased too", async () => {
    let meanwhile: () => Promise<unknown> = async () => undefined;
    const sale = await erasingSale(stores, { onWait: async () => void (await meanwhile()) });
    await claimed(sale, "user-a-5");
    meanwhile = async () => {
      meanwhile = async () => undefined;
      await claimed(sale, "user-late-5");
    };
    const [done] = await sale.erase(["user-a-5", "user-late-5"]);
    expect(done).to.include({ found: 2, erased: 2, pending: 0 });
    expect(await tracesOf("user-a-5", "user-late-5")).to.deep.equal(NONE);
  });

  it("in a campaign that is over, the first erasure waits until every process knows of it", async () => {
    const waits: (readonly string[])[] = [];
    const keys = async () => (await issuances(sale)).map(({ claimKey }) => claimKey);
    const sale: ErasingSale = await erasingSale(stores, {
      onWait: async () => void waits.push(await keys()),
    });
    const users = ["user-a-17", "user-b-17"] as const;
    for (const user of users) await claimed(sale, user);
    await sale.claimer.idle();
    const over = { $set: { state: "ENDED", endedAt: new Date() } } as const;
    await stores.db.collection<CampaignDoc>("campaigns").updateOne({ _id: sale.campaign._id }, over);
    await sale.erase([users[0]]);
    expect(waits).to.deep.equal([users]);
    await sale.erase([users[1]]);
    expect(waits).to.deep.equal([users]);
    expect((await keys()).every(isPseudonym)).to.equal(true);
  });

  it("two at once: each id is replaced once, and both end", async () => {
    const sale = await erasingSale(stores, { total: 40 });
    const users = Array.from({ length: 30 }, (_, i) => `user-${i}-of-6`);
    await Promise.all(users.map((user) => claimed(sale, user)));
    const both = await Promise.all([sale.erase(users), sale.erase(users.slice(10))]);
    const sum = both.flat().reduce((total, { erased }) => total + erased, 0);
    expect(sum).to.equal(30);
    expect((await tracesOf(...users)).mongo).to.deep.equal([]);
    expect((await tracesOf(...users)).redis).to.deep.equal([]);
  });

  describe("a second coupon is impossible", () => {
    /** A pool as an old Redis would have it: without the user's claim, and without the mark. */
    async function forgetInPool(sale: ErasingSale, user: string): Promise<void> {
      const { meta, claims, open } = campaignKeys(sale.campaign._id);
      const pseudonym = sale.pseudonyms.of(sale.campaign._id, user);
      await raw.hDel(claims, [pseudonym, user]);
      await raw.hDel(meta, "erased");
      expect(await raw.lLen(open)).to.be.greaterThan(0);
    }

    it("of a pool that knows neither the claim nor the mark: the insert finds the issuance first", async () => {
      const sale = await erasingSale(stores);
      const first = await claimed(sale, "user-anna-7");
      await sale.claimer.idle();
      await sale.erase(["user-anna-7"]);
      await sale.issue("user-anna-7");
      await forgetInPool(sale, "user-anna-7");
      const left = (await pool(sale)).open.length;
      expect((await claimed(sale, "user-anna-7")).code).to.equal(first.code);
      expect(await issuances(sale)).to.have.length(1);
      expect((await pool(sale)).open, "the popped code is handed back").to.have.length(left);
      expect(await sale.alarms("key-taken")).to.equal(1);
      expect((await tracesOf("user-anna-7")).mongo).to.deep.equal([]);
    });

    it("of a process that learns of the mark from the pool: it asks again with pseudonyms", async () => {
      const one = await erasingSale(stores);
      const first = await claimed(one, "user-anna-8");
      await one.claimer.idle();
      await one.erase(["user-anna-8"]);
      expect(one.marks.pseudonymOf(one.campaign._id, "x"), "not known before it asks").to.equal(undefined);
      expect((await claimed(one, "user-anna-8")).code).to.equal(first.code);
      expect(one.marks.pseudonymOf(one.campaign._id, "x")).to.not.equal(undefined);
    });

    it("of a pool that is made again, also where its old ledger has another claim of the user", async () => {
      const sale = await erasingSale(stores);
      const first = await claimed(sale, "user-anna-9");
      await sale.claimer.idle();
      await sale.erase(["user-anna-9"]);
      const { meta, ledger } = campaignKeys(sale.campaign._id);
      await raw.xAdd(ledger, "1-9", { k: "user-anna-9", c: sale.codes[5] ?? "", t: "1000" });
      await raw.hSet(meta, "token", "another Redis");
      expect((await claimed(sale, "user-anna-9")).code).to.equal(first.code);
      expect(await issuances(sale)).to.have.length(1);
      expect((await pool(sale)).meta).to.include({ erased: sale.pseudonyms.fingerprint, shape: "2" });
      expect(await tracesOf("user-anna-9")).to.deep.equal(NONE);
    });

    it("of an insert that comes late: it is the same claim, and the id does not come back", async () => {
      const sale = await erasingSale(stores);
      await claimed(sale, "user-anna-10");
      const [issued] = (await issuances(sale)) as [IssuanceDoc];
      await sale.claimer.idle();
      await sale.erase(["user-anna-10"]);
      const outcomes = await createIssuances(stores.db).insert([issued]);
      const [standing] = await issuances(sale);
      expect(outcomes).to.deep.equal([{ kind: "durable", issuance: standing }]);
      expect((await tracesOf("user-anna-10")).mongo).to.deep.equal([]);
    });
  });

  describe("a process without the key", () => {
    it("or with another one: refuses claims of the campaign, and claims nothing", async () => {
      const sale = await erasingSale(stores);
      await claimed(sale, "user-anna-11");
      await sale.claimer.idle();
      await sale.erase(["user-anna-11"]);
      const other = await erasingSale(stores, { key: "another key, as long as it has to be", load: false });
      const ask = {
        campaignId: sale.campaign._id,
        facts: { maxPerUser: 1, onePerUser: true, leastGeneration: 0 },
      };
      const claim = { ...ask, claimKey: "user-anna-11", userId: "", caller: { aborted: false } };
      const before = await pool(sale);
      expect(reasonOf(await other.claimer.issue(claim))).to.equal("OVERLOADED");
      expect(await pool(sale)).to.deep.equal(before);
    });

    it("does not erase in a campaign whose users were erased with another one", async () => {
      const sale = await erasingSale(stores);
      await claimed(sale, "user-anna-12");
      await claimed(sale, "user-ben-12");
      await sale.claimer.idle();
      await sale.erase(["user-anna-12"]);
      await stores.db
        .collection<CampaignDoc>("campaigns")
        .updateOne({ _id: sale.campaign._id }, { $set: { "erasure.key": "another" } });
      const failed = await sale.erase(["user-ben-12"]).then(
        () => "erased",
        (error: Error) => error.name,
      );
      expect(failed).to.equal("OtherErasureKey");
      expect((await tracesOf("user-ben-12")).mongo).to.deep.equal(["user-ben-12"]);
    });
  });

  describe("an erasure whose process dies", () => {
    const lapse = () =>
      stores.db.collection<ErasureDoc>("erasures").updateMany({}, { $set: { "lease.until": new Date(0) } });

    for (const dies of ["before the first id", "with some ids replaced in MongoDB alone"] as const)
      it(`${dies}: a scheduler goes on with it`, async () => {
        let calls = 0;
        const sale = await erasingSale(stores, {
          total: 500,
          erasing: (real) => ({
            ...real,
            async replace(campaignId, replacements) {
              calls += 1;
              if (dies === "before the first id" || calls > 1) throw new Error("the process is killed");
              await real.replace(campaignId, replacements);
              throw new Error("the process is killed");
            },
          }),
        });
        const users = Array.from({ length: 260 }, (_, i) => `user-${i}-${dies.length}-of-13`);
        await Promise.all(users.map((user) => claimed(sale, user)));
        const kept = await claimed(sale, "user-who-stays");
        await sale.claimer.idle();
        const failed = await sale.erase(users).catch((error: Error) => error.message);
        expect(failed).to.equal("the process is killed");
        expect((await tracesOf(...users)).redis, "the pool has not followed").to.have.length(260);
        // Another process: its calls are the real ones.
        const other = await erasingSale(stores, { load: false });
        expect(await other.resume(), "the lease of the other process holds").to.equal(false);
        await lapse();
        expect(await other.resume()).to.equal(true);
        expect(await tracesOf(...users)).to.deep.equal(NONE);
        expect((await claimed(sale, "user-who-stays")).code).to.equal(kept.code);
        expect(await other.resume()).to.equal(false);
      });

    it("what these users asked goes, also what a server writes late; what others asked stays", async () => {
      const sale = await erasingSale(stores, {
        erasing: (real) => ({
          ...real,
          replace: () => Promise.reject(new Error("the process is killed")),
        }),
      });
      const campaignId = sale.campaign._id;
      const attempts = createAttempts(stores.db);
      const asked = (userId: string, requestId: string, place?: string) =>
        attempts.write(
          [
            {
              ...{ campaignId, userId, requestId, place, at: new Date(), tookMs: 1 },
              ...{ server: "a/1", outcome: "replayed" },
            },
          ],
          10_000,
        );
      for (const user of ["user-anna-16", "user-ben-16"]) {
        const { generation, seq } = await claimed(sale, user);
        await asked(user, `request-of-${user}`, `${generation}-${seq}`);
        await asked(user, "");
      }
      // More than a page of others.
      await Promise.all(Array.from({ length: 1_010 }, (_, i) => asked(`user-${i}-of-16`, "")));
      await asked("user-anna-16", "");
      await sale.claimer.idle();
      await sale.erase(["user-anna-16"]).catch(() => undefined);
      await lapse();
      const late = async () => asked("user-anna-16", "");
      const other = await erasingSale(stores, { load: false, onWait: late });
      expect(await other.resume()).to.equal(true);
      expect(await tracesOf("user-anna-16", "request-of-user-anna-16")).to.deep.equal(NONE);
      const left = await stores.db.collection<AttemptDoc>("attempts").find({ campaignId }).toArray();
      expect(left).to.have.length(1_012);
      expect(left.filter(({ userId }) => userId === "user-ben-16")).to.have.length(2);
    });
  });

  it("while the pool is made again: the load that read the id is followed by the erasure", async () => {
    const sale = await erasingSale(stores);
    await claimed(sale, "user-anna-14");
    await sale.claimer.idle();
    const { meta } = campaignKeys(sale.campaign._id);
    await raw.hSet(meta, "token", "another Redis");
    const [done] = await sale.erase(["user-anna-14"]);
    expect(done).to.include({ found: 1, erased: 1 });
    expect(await tracesOf("user-anna-14")).to.deep.equal(NONE);
    expect((await pool(sale)).meta).to.include({ erased: sale.pseudonyms.fingerprint });
  });
});
