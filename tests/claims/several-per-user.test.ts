import { expect } from "chai";
import { campaignKeys } from "../../pool/keys.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { issuedBy, openSale, reasonOf, type Sale } from "../support/open-sale.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

const SEPARATOR = "\u001f";
const MOST = 3;

describe("claims where a user may have several coupons", () => {
  const stores = withStores();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });
  after(async () => {
    raw.destroy();
  });

  const openPlaces = (options: Parameters<typeof openSale>[1] = {}) =>
    openSale(stores, { onePerUser: false, maxPerUser: MOST, shape: 2, ...options });
  const key = (user: string, request: string) => `${user}${SEPARATOR}${request}`;
  const issue = (sale: Sale, user: string, request: string) =>
    sale.issue(key(user, request), { userId: user });
  const recorded = (sale: Sale) =>
    stores.db
      .collection<IssuanceDoc>("issuances")
      .find({ campaignId: sale.campaign._id })
      .sort({ generation: 1, seq: 1 })
      .toArray();
  const contents = (sale: Sale) => contentsOf(raw, sale.campaign._id);

  /** An issuance that the pool does not know, as after Redis came back with an older state. */
  async function record(
    sale: Sale,
    doc: Pick<IssuanceDoc, "_id" | "seq"> & { user: string; request: string; place: number },
  ) {
    const { user, request, ...rest } = doc;
    await stores.db.collection<IssuanceDoc>("issuances").insertOne({
      ...{ campaignId: sale.campaign._id, claimKey: key(user, request), userId: user, generation: 0 },
      ...{ issuedAt: new Date(1_000), ...rest },
    });
  }

  it("a user gets so many, each under its request, and is then told so; the record has places", async () => {
    const sale = await openPlaces();
    const first = [];
    for (const request of ["1", "2", "3"]) first.push(issuedBy(await issue(sale, "a", request)).coupon);
    expect(first.map(({ place }) => place)).to.deep.equal([1, 2, 3]);
    const fourth = await issue(sale, "a", "4");
    expect(fourth).to.deep.equal({ kind: "refused", refusal: { reason: "MAX_PER_USER", most: MOST } });
    const again = issuedBy(await issue(sale, "a", "2"));
    expect([again.coupon, again.replayed]).to.deep.equal([first[1], true]);
    await sale.claimer.idle();
    expect(
      (await recorded(sale)).map(({ userId, place, claimKey }) => [userId, place, claimKey]),
    ).to.deep.equal(["1", "2", "3"].map((request, i) => ["a", i + 1, key("a", request)]));
    expect((await contents(sale)).ledger).to.deep.equal([]);
  });

  it("sold out: holders get theirs from memory, and another request of a holder is told that all are gone", async () => {
    const sale = await openPlaces({ total: 2 });
    const held = issuedBy(await issue(sale, "a", "1")).coupon;
    await issue(sale, "b", "1");
    await sale.claimer.idle();
    for (let asks = 0; asks < 20; asks++) {
      expect(reasonOf(await issue(sale, "a", "2"))).to.equal("SOLD_OUT");
      expect(reasonOf(await issue(sale, "c", "1"))).to.equal("SOLD_OUT");
      expect(issuedBy(await issue(sale, "a", "1")).coupon).to.deep.equal(held);
    }
  });

  it("the place is another request's on record: the code goes back, that one is bound, the next place is taken", async () => {
    const sale = await openPlaces();
    await record(sale, { _id: "옛-1", user: "a", request: "old", place: 1, seq: 4 });
    const { coupon } = issuedBy(await issue(sale, "a", "new"));
    expect(coupon.place).to.equal(2);
    expect(await sale.alarms("place-taken")).to.equal(1);
    await sale.claimer.idle();
    const { open, claims, ledger } = await contents(sale);
    expect([...open, coupon.code].sort()).to.deep.equal([...sale.codes].sort());
    expect(claims[key("a", "1")]).to.equal("옛-1 0-4 1000 old");
    expect(ledger).to.deep.equal([]);
    const old = issuedBy(await issue(sale, "a", "old"));
    expect([old.coupon.code, old.replayed]).to.deep.equal(["옛-1", true]);
  });

  it("all places are taken on record: the pool learns each, and the user is refused, never given one more", async () => {
    const sale = await openPlaces();
    for (const place of [1, 2, 3])
      await record(sale, { _id: `옛둘-${place}`, user: "a", request: `old ${place}`, place, seq: place });
    expect(reasonOf(await issue(sale, "a", "new"))).to.equal("MAX_PER_USER");
    await sale.claimer.idle();
    expect(await recorded(sale)).to.have.length(MOST);
    expect((await contents(sale)).open.toSorted()).to.deep.equal([...sale.codes].sort());
  });

  it("the request has its coupon at another place on record: it is answered with that, and has one place", async () => {
    const sale = await openPlaces();
    await record(sale, { _id: "옛셋", user: "a", request: "mine", place: 3, seq: 7 });
    const { coupon, replayed } = issuedBy(await issue(sale, "a", "mine"));
    expect([coupon.code, coupon.place, replayed]).to.deep.equal(["옛셋", 3, true]);
    expect(await sale.alarms("key-taken")).to.equal(1);
    const { claims, open } = await contents(sale);
    expect(claims).to.deep.equal({ [key("a", "3")]: "옛셋 0-7 1000 mine" });
    expect(open.toSorted()).to.deep.equal([...sale.codes].sort());
    expect(issuedBy(await issue(sale, "a", "other")).coupon.place).to.equal(1);
  });

  it("the code is somebody's on record, and the place another request's: both are repaired in turn", async () => {
    const sale = await openPlaces();
    const [stale = ""] = sale.codes;
    await record(sale, { _id: stale, user: "b", request: "1", place: 1, seq: 1 });
    await record(sale, { _id: "옛넷", user: "a", request: "old", place: 1, seq: 2 });
    const { coupon } = issuedBy(await issue(sale, "a", "new"));
    expect(coupon.place).to.equal(2);
    expect([await sale.alarms("code-taken"), await sale.alarms("place-taken")]).to.deep.equal([1, 1]);
    await sale.claimer.idle();
    expect(issuedBy(await issue(sale, "b", "1")).coupon.code).to.equal(stale);
  });

  it("a rebuild keeps requests and places; claims that only a ledger had are finished by it", async () => {
    const sale = await openPlaces();
    const one = issuedBy(await issue(sale, "a", "1")).coupon;
    await sale.claimer.idle();
    // A server that crashed between the claim and the commit.
    const asks = [{ claimKey: key("a", "2 2"), userId: "a" }];
    const [pending] = await stores.pool.claim(sale.campaign._id, Date.now(), asks, "issue", 0, MOST);
    await raw.hSet(campaignKeys(sale.campaign._id).meta, "token", "elsewhere");
    const two = issuedBy(await issue(sale, "a", "2 2"));
    expect([two.coupon.place, two.replayed]).to.deep.equal([2, true]);
    expect("claim" in (pending ?? {}) && two.coupon.code).to.equal(
      pending && "claim" in pending ? pending.claim.code : "",
    );
    expect(issuedBy(await issue(sale, "a", "1")).coupon.code).to.equal(one.code);
    expect(issuedBy(await issue(sale, "a", "3")).coupon.place).to.equal(3);
    expect(reasonOf(await issue(sale, "a", "4"))).to.equal("MAX_PER_USER");
  });

  it("many requests of few users at once, the pool lost in between: no user has more, no request two", async () => {
    const sale = await openPlaces({ total: 60 });
    const users = ["a", "b", "c", "d"];
    const requests = Array.from({ length: 12 }, (_, i) => String(i));
    const answered = new Map<string, Set<string>>();
    const press = async (user: string, request: string) => {
      const answer = await issue(sale, user, request);
      if (answer.kind === "refused") {
        expect(answer.refusal.reason).to.be.oneOf(["MAX_PER_USER", "UNCERTAIN", "OVERLOADED"]);
        return;
      }
      const codes = answered.get(key(user, request)) ?? new Set();
      answered.set(key(user, request), codes.add(answer.coupon.code));
    };
    for (let round = 0; round < 4; round++) {
      const pressing = users.flatMap((user) =>
        requests.flatMap((request) => [press(user, request), press(user, request)]),
      );
      await raw.hSet(campaignKeys(sale.campaign._id).meta, "token", `elsewhere ${round}`);
      await Promise.all(pressing);
    }
    await sale.claimer.idle();
    for (const [asked, codes] of answered) expect([...codes], asked).to.have.length(1);
    const docs = await recorded(sale);
    for (const user of users) {
      const own = docs.filter(({ userId }) => userId === user);
      expect(own.map(({ place }) => place).sort(), user).to.deep.equal([1, 2, 3]);
    }
    expect(docs).to.have.length(users.length * MOST);
    // A caller that was answered has its coupon on record.
    const onRecord = new Map(docs.map(({ claimKey, _id }) => [claimKey, _id]));
    for (const [asked, codes] of answered) expect(onRecord.get(asked), asked).to.equal([...codes][0]);
  });
});
