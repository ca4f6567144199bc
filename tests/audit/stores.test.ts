import { expect } from "chai";
import { type Db, MongoClient } from "mongodb";
import { auditBooks } from "../../artillery/books.ts";
import { conclude } from "../../artillery/verdict.ts";
import { type Auditor, openAuditor } from "../../audit/stores/auditor.ts";
import { violated } from "../../audit/verdict-table.ts";
import { type CampaignKeys, campaignKeys } from "../../pool/keys.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { seedBooks } from "../support/seed-books.ts";
import { type StackAlone, startStackAlone } from "../support/stack-alone.ts";
import { type Books, healthyBooks, snapshotOf } from "../support/written-books.ts";

const DATABASE = "coupons_audit_test";
const TOTAL = 25_000;
const ISSUED = 12_000;

type Stores = {
  readonly redis: RawRedis;
  readonly db: Db;
  readonly keys: CampaignKeys;
  readonly books: Books;
};

const damages: readonly { fails: string; what: string; plant: (stores: Stores) => Promise<unknown> }[] = [
  {
    fails: "U1",
    what: "an issued code pushed back into the pool",
    plant: ({ redis, keys, books }) => redis.lPush(keys.open, books.issuances[7]?.code ?? ""),
  },
  {
    fails: "U2",
    what: "an issuance rolled back in both stores",
    plant: async ({ redis, db, keys, books }) => {
      const lost = books.issuances.at(-1);
      await db.collection<{ _id: string }>("issuances").deleteOne({ _id: lost?.code ?? "" });
      await redis.hDel(keys.claims, lost?.claimKey ?? "");
      await redis.rPush(keys.open, lost?.code ?? "");
    },
  },
  {
    fails: "U3",
    what: "an issued code deleted from the coupons",
    plant: ({ db, books }) =>
      db.collection<{ _id: string }>("coupons").deleteOne({ _id: books.issuances[7]?.code ?? "" }),
  },
  { fails: "U5", what: "a code popped by hand", plant: ({ redis, keys }) => redis.lPop(keys.open) },
  {
    fails: "U5",
    what: "a ledger entry that nobody finishes",
    plant: ({ redis, keys }) => redis.xAdd(keys.ledger, "1-99999", { k: "x", c: "y", t: "1" }),
  },
  {
    fails: "U5",
    what: "a binding lost in Redis",
    plant: ({ redis, keys, books }) => redis.hDel(keys.claims, books.claims[7]?.claimKey ?? ""),
  },
  { fails: "U5", what: "FLUSHALL", plant: ({ redis }) => redis.flushAll() },
  {
    fails: "U8",
    what: "armed a millisecond early",
    plant: ({ redis, keys }) => redis.hIncrBy(keys.meta, "armedAt", -1),
  },
];

describe("audit on real stores", () => {
  let alone: StackAlone;
  let mongo: MongoClient;
  let redis: RawRedis;
  let auditor: Auditor;
  let stores: Stores;

  before(async () => {
    alone = await startStackAlone();
    const { stack } = alone;
    redis = await openRawRedis(stack.redis.url);
    mongo = await new MongoClient(stack.mongodb.url).connect();
    auditor = await openAuditor({
      redisUrl: stack.redis.url,
      mongodbUrl: stack.mongodb.url,
      database: DATABASE,
    });
  });
  after(async () => {
    await auditor?.close();
    await redis?.close();
    await mongo?.close();
    await alone?.end();
  });
  beforeEach(async () => {
    const db = mongo.db(DATABASE);
    await db.dropDatabase();
    await redis.flushAll();
    const books = healthyBooks({ total: TOTAL, issued: ISSUED });
    stores = { redis, db, keys: campaignKeys(books.campaign.id), books };
    await seedBooks(redis, db, books);
  });

  it("reads everything that was written, over many pages", async () => {
    const { books } = stores;
    const expected = snapshotOf(books);
    const { campaign, codes, issuances, redis: side } = await auditor.takeSnapshot(books.campaign.id);
    const byKey = <T extends { claimKey: string }>(list: readonly T[]) =>
      list.toSorted((a, b) => (a.claimKey < b.claimKey ? -1 : 1));
    expect(campaign).to.deep.equal(expected.campaign);
    expect(codes.toSorted()).to.deep.equal(expected.codes.toSorted());
    expect(byKey(issuances)).to.deep.equal(byKey(expected.issuances));
    expect({ ...side, claims: byKey(side.claims) }).to.deep.equal({
      ...expected.redis,
      claims: byKey(expected.redis.claims),
    });
  });

  it("passes healthy stores", async () => {
    const { campaign, history } = stores.books;
    expect(await auditor.waitForRest(campaign.id, ["OPEN"], 1_000)).to.equal(true);
    expect(violated((await auditor.audit(campaign.id, { history })).verdicts)).to.deep.equal([]);
  });

  for (const { fails, what, plant } of damages) {
    it(`${fails}: ${what}`, async () => {
      await plant(stores);
      const { campaign, history } = stores.books;
      expect(violated((await auditor.audit(campaign.id, { history })).verdicts)).to.deep.equal([fails]);
    });
  }

  const update = (collection: string, _id: string, set: object) =>
    stores.db.collection<{ _id: string }>(collection).updateOne({ _id }, { $set: set });

  it("U5: an issuance whose fields are not of their types is named, with the field", async () => {
    const { campaign, history, issuances } = stores.books;
    await update("issuances", issuances[7]?.code ?? "", { issuedAt: "2026" });
    await update("issuances", issuances[8]?.code ?? "", { seq: 1.5 });
    const { verdicts } = await auditor.audit(campaign.id, { history });
    const u5 = verdicts.find(({ invariant }) => invariant === "U5");
    const words = u5?.offenders.map((offender) => offender.words);
    expect(words).to.include("coupon 7 has an issuance whose issuedAt is a string, not a date");
    expect(words).to.include("coupon 8 has an issuance whose seq is a fraction, not a whole number");
  });

  it("a document that the audit cannot do without is named where it is not what it has to be", async () => {
    const { campaign, codes } = stores.books;
    const told = () => auditor.audit(campaign.id).catch((error: Error) => `${error.name}: ${error.message}`);
    const code = codes[7] ?? "";
    await update("coupons", code, { ordinal: "7" });
    expect(await told()).to.match(
      /^MisshapenDocument: MongoDB: coupons, code#[0-9a-f]{4}: ordinal is a string, not a whole number$/,
    );
    await update("coupons", code, { ordinal: 7 });
    const { openedAtMs } = campaign;
    await update("campaigns", campaign.id, { openedAt: null });
    expect(await told()).to.equal(
      `MisshapenDocument: MongoDB: campaigns, ${campaign.id}: openedAt is null, not a date`,
    );
    await update("campaigns", campaign.id, {
      openedAt: new Date(openedAtMs ?? 0),
      "outbox.0.after.total": "all",
    });
    expect(await told()).to.equal(
      `MisshapenDocument: MongoDB: history of ${campaign.id}, 0, after: total is a string, not a whole number`,
    );
  });

  it("a load fails for a coupon that was tampered with in MongoDB, and passes without", async () => {
    const { campaign, history, issuances } = stores.books;
    const ended = async () => {
      const urls = {
        redisUrl: alone.stack.redis.url,
        mongodbUrl: alone.stack.mongodb.url,
        from: "of its own",
      };
      const noApi = {} as Parameters<typeof auditBooks>[0]; // the stores are given: the service is not called
      const plan = { stores: urls, own: true, database: DATABASE, remote: false };
      const { issued, verdicts } = await auditBooks(noApi, campaign.id, history, plan);
      const report = { exitCode: 0, counters: {}, responseTime: undefined };
      return conclude({ report, total: TOTAL, issued, requests: history.length, reached: 1, verdicts });
    };
    expect(await ended()).to.deep.include({ pass: true, reasons: [] });
    await stores.db
      .collection<{ _id: string }>("issuances")
      .updateOne({ _id: issuances[7]?.code ?? "" }, { $set: { claimKey: "somebody-else" } });
    const { pass, line } = await ended();
    expect(pass).to.equal(false);
    expect(line).to.match(/^load: FAIL .* violations=U\d/);
  });

  it("is not at rest while the ledger holds an entry or the state is another", async () => {
    const { campaign } = stores.books;
    expect(await auditor.waitForRest(campaign.id, ["SOLD_OUT"], 200)).to.equal(false);
    await redis.xAdd(stores.keys.ledger, "1-99999", { k: "x", c: "y", t: "1" });
    expect(await auditor.waitForRest(campaign.id, [], 200)).to.equal(false);
  });

  it("says that there is no such campaign", async () => {
    const failure = await auditor.audit("01NONE").catch((error: Error) => error.message);
    expect(failure).to.equal("there is no campaign 01NONE");
  });
});
