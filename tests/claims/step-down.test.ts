import { expect } from "chai";
import type { Db } from "mongodb";
import { until } from "../../local/poll.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { createIssuances } from "../../record/issuances.ts";
import { connectMongo } from "../../record/mongo.ts";
import { issuedBy, openSale, reasonOf, type Sale, type SaleOptions } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { type ReplicaSet, startReplicaSet } from "../support/replica-set/replica-set.ts";
import { sharedStack } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const CONNECT = { connectWithinMs: 60_000, operationMs: 10_000 };
const ELECT_AFTER_MS = 50;

describe("an election of MongoDB in the middle of an insert", () => {
  const stores = withStores();
  let set: ReplicaSet;
  let mongo: Awaited<ReturnType<typeof connectMongo>>;

  beforeEach(async () => {
    set = await startReplicaSet((await sharedStack()).mongodb);
    // Options that an operator may have in the URL: no read that decides follows them.
    const url = `${set.url}&readPreference=secondary&readConcernLevel=local&w=1`;
    mongo = await connectMongo({ ...CONNECT, url, database: stores.db.databaseName });
  });
  afterEach(async () => {
    await mongo.client.close();
    await set.close();
  });

  const openSetSale = (total: number, deps: SaleOptions["deps"] = {}): Promise<Sale> =>
    openSale(stores, { total, deps, issuances: () => createIssuances(mongo.db as Db) });

  const issuancesOf = ({ campaign }: Sale) =>
    stores.db.collection<IssuanceDoc>("issuances").find({ campaignId: campaign._id }).toArray();

  const repeatedBy = async ({ metrics }: Sale) => (await metrics.insertsRepeated.get()).values[0]?.value ?? 0;

  /** Each key has one coupon, the one that it was answered with, and nothing was wrong on the way. */
  async function expectOneEach(sale: Sale, coupons: ReadonlyMap<string, string>): Promise<void> {
    await sale.claimer.idle();
    const found = await issuancesOf(sale);
    expect(new Map(found.map(({ claimKey, _id }) => [claimKey, _id]))).to.deep.equal(coupons);
    for (const kind of ["key-taken", "code-taken"]) expect(await sale.alarms(kind), kind).to.equal(0);
    expect((await stores.pool.inspect(sale.campaign._id)).ledger).to.equal(0);
    expect(set.count("secondary-reads")).to.equal(0);
  }

  /** The coupon that the key gets, when it asks until it has one. */
  async function issuedInTheEnd(sale: Sale, key: string): Promise<Map<string, string>> {
    const coupons = new Map<string, string>();
    const isIssued = async () => {
      const issue = await sale.issue(key);
      if (issue.kind === "issued") coupons.set(key, issue.coupon.code);
      return issue.kind === "issued";
    };
    expect(await until(isIssued, HANG_MS, 20), key).to.equal(true);
    return coupons;
  }

  it("a primary that steps down before or after it has written: the caller gets its coupon, one", async () => {
    const sale = await openSetSale(10);
    const coupons = new Map<string, string>();
    for (let i = 0; i < 4; i++) {
      set.stepDownAtInserts(1, ELECT_AFTER_MS);
      coupons.set(`one-${i}`, issuedBy(await sale.issue(`one-${i}`)).coupon.code);
    }
    await expectOneEach(sale, coupons);
    expect([set.count("interrupted-before"), set.count("interrupted-after")]).to.deep.equal([2, 2]);
    expect([set.count("InterruptedDueToReplStateChange"), set.count("PrimarySteppedDown")]).to.deep.equal([
      2, 2,
    ]);
    expect(set.count("elections")).to.equal(4);
    expect(await repeatedBy(sale)).to.be.at.least(4);
  });

  it("a primary that shuts down and closes its connections: the same", async () => {
    const sale = await openSetSale(10);
    const coupons = new Map<string, string>();
    for (let i = 0; i < 4; i++) {
      set.shutDownAtInserts(1, ELECT_AFTER_MS);
      coupons.set(`down-${i}`, issuedBy(await sale.issue(`down-${i}`)).coupon.code);
    }
    await expectOneEach(sale, coupons);
    expect([set.count("ShutdownInProgress"), set.count("InterruptedAtShutdown")]).to.deep.equal([2, 2]);
    expect(await repeatedBy(sale)).to.be.at.least(4);
  });

  it("many claims at once, and several elections: each caller gets one coupon", async () => {
    const sale = await openSetSale(200);
    const coupons = new Map<string, string>();
    for (let wave = 0; wave < 4; wave++) {
      set.stepDownAtInserts(1, ELECT_AFTER_MS);
      const keys = Array.from({ length: 50 }, (_, i) => `wave-${wave}-${i}`);
      const issued = await Promise.all(keys.map((key) => sale.issue(key)));
      keys.forEach((key, i) => {
        coupons.set(key, issuedBy(issued[i] as never).coupon.code);
      });
    }
    await expectOneEach(sale, coupons);
    expect(set.count("elections")).to.equal(4);
  });

  it("an insert of which a part was interrupted: the other part is found, and not made again", async () => {
    const sale = await openSetSale(60);
    set.interruptInserts(2);
    const keys = Array.from({ length: 50 }, (_, i) => `part-${i}`);
    const issued = await Promise.all(keys.map((key) => sale.issue(key)));
    await expectOneEach(sale, new Map(keys.map((key, i) => [key, issuedBy(issued[i] as never).coupon.code])));
    expect(set.count("interrupted-in-the-middle")).to.equal(2);
  });

  it("another key that got the code before the repetition keeps it: the caller gets another one", async () => {
    const sale = await openSetSale(10);
    set.stepDownAtInserts(1, 400);
    const asking = sale.issue("late");
    expect(await until(() => set.count("interrupted-before") === 1, HANG_MS, 2)).to.equal(true);
    const [code = ""] = sale.codes;
    const taken = { _id: code, campaignId: sale.campaign._id, claimKey: "first", generation: 0, seq: 1 };
    await stores.db.collection<IssuanceDoc>("issuances").insertOne({ ...taken, issuedAt: new Date() });
    const { coupon } = issuedBy(await asking);
    expect(coupon.code).to.not.equal(code);
    const found = new Map((await issuancesOf(sale)).map(({ claimKey, _id }) => [claimKey, _id]));
    expect(found).to.deep.equal(
      new Map([
        ["first", code],
        ["late", coupon.code],
      ]),
    );
    expect(await sale.alarms("code-taken")).to.equal(1);
  });

  for (const codeName of ["WriteConcernTimeout", "UnsatisfiableWriteConcern"] as const) {
    it(`${codeName}: nobody is told of a coupon, nothing is repeated, and asking again gets it`, async () => {
      const confirmAgain = set.confirmNothing(codeName, 1);
      // Of two inserts the first is undone, and the second is not. Each has a breaker of its own.
      const sales = [await openSetSale(10), await openSetSale(10)];
      for (const sale of sales) {
        expect(reasonOf(await sale.issue("unmet"))).to.equal("UNCERTAIN");
        expect(await repeatedBy(sale)).to.equal(0);
      }
      const written = await Promise.all(sales.map(async (sale) => (await issuancesOf(sale)).length));
      expect([written, set.count(codeName)]).to.deep.equal([[0, 1], 2]);
      confirmAgain();
      for (const sale of sales) await expectOneEach(sale, await issuedInTheEnd(sale, "unmet"));
    });
  }

  it("a primary that the others have lost, and that answers late: within the deadline, the caller gets its coupon", async () => {
    const sale = await openSetSale(10);
    const partition = set.partitionPrimary(ELECT_AFTER_MS);
    const asking = sale.issue("late");
    expect(await until(() => set.count("held") > 0 && set.count("elections") > 0, HANG_MS, 2)).to.equal(true);
    partition.heal();
    const { code } = issuedBy(await asking).coupon;
    await expectOneEach(sale, new Map([["late", code]]));
  });

  it("… and after the deadline: UNCERTAIN, and the new primary has the coupon for the same key", async () => {
    const sale = await openSetSale(10, { commitDeadlineMs: 300 });
    const partition = set.partitionPrimary(ELECT_AFTER_MS);
    expect(reasonOf(await sale.issue("late"))).to.equal("UNCERTAIN");
    expect(set.count("held")).to.equal(1);
    const coupons = await issuedInTheEnd(sale, "late");
    partition.heal();
    await expectOneEach(sale, coupons);
    const late = () => set.count("InterruptedDueToReplStateChange") === set.count("held");
    expect(await until(late, HANG_MS, 5), "each insert that was held got its late answer").to.equal(true);
  });
});
