import { expect } from "chai";
import { until } from "../../local/poll.ts";
import type { IssuanceDoc } from "../../record/issuances.ts";
import { createBreaker } from "../../server/claims/breaker.ts";
import { contentsOf, openRaw, type RawRedis } from "../pool/raw-redis.ts";
import { fakeClock } from "../runtime/fake-clock.ts";
import { HANG_MS } from "../setup/patience.ts";
import { openStores, type TestStores } from "../setup/shared-stores.ts";
import { gate, issuedBy, openSale, reasonOf } from "./open-sale.ts";

const STALL_MS = 1_000;
const PROBE_EVERY_MS = 250;

describe("breaker", () => {
  function breaker() {
    const clock = fakeClock();
    return { clock, one: createBreaker(clock, STALL_MS) };
  }

  it("lets everything through while commits succeed, however many are under way", () => {
    const { clock, one } = breaker();
    const ends = Array.from({ length: 5 }, () => one.begin());
    clock.pass(STALL_MS);
    expect([one.isOpen(), one.admit(), one.admit()]).to.deep.equal([false, "issue", "issue"]);
    for (const end of ends) end(true);
    clock.pass(10 * STALL_MS);
    expect(one.admit()).to.equal("issue");
  });

  it("holds back from a failed commit until one succeeds, but for one probe every 250 ms", () => {
    const { clock, one } = breaker();
    one.begin()(false);
    const admitted: string[] = [];
    for (let ms = 0; ms < 2 * PROBE_EVERY_MS; ms += 50) {
      admitted.push(one.admit());
      clock.pass(50);
    }
    const between = Array(4).fill("recall");
    expect(admitted).to.deep.equal(["probe", ...between, "probe", ...between]);
    const end = one.begin();
    expect(one.isOpen()).to.equal(true);
    end(true);
    expect([one.isOpen(), one.admit()]).to.deep.equal([false, "issue"]);
  });

  it("holds back while the oldest commit is under way for too long, and no longer", () => {
    const { clock, one } = breaker();
    const stuck = one.begin();
    clock.pass(STALL_MS - 1);
    const quick = one.begin();
    clock.pass(1);
    expect(one.isOpen()).to.equal(false);
    clock.pass(1);
    expect([one.isOpen(), one.admit(), one.admit()]).to.deep.equal([true, "probe", "recall"]);
    quick(true);
    expect(one.isOpen(), "another one that succeeds does not end the stall").to.equal(true);
    stuck(true);
    expect(one.isOpen()).to.equal(false);
  });

  it("a clock that is set back does not stop the probes, and one that is set forward is no stall", () => {
    const { clock, one } = breaker();
    const underWay = one.begin();
    clock.step(3_600_000);
    expect(one.isOpen()).to.equal(false);
    underWay(false);
    expect(one.admit()).to.equal("probe");
    clock.step(-7_200_000);
    expect(one.admit()).to.equal("recall");
    clock.pass(PROBE_EVERY_MS);
    expect([one.admit(), one.admit()]).to.deep.equal(["probe", "recall"]);
  });
});

describe("claimer while nothing can be made durable", () => {
  let stores: TestStores;
  let raw: RawRedis;

  before(async () => {
    stores = await openStores();
    raw = await openRaw(stores.env.REDIS_URL);
  });

  after(async () => {
    raw.destroy();
    await stores.close();
  });

  it("after a failed commit: winners are recalled, others held back, no code is popped; then all goes on", async () => {
    let failing = false;
    const sale = await openSale(stores, {
      issuances: (real) => ({
        ...real,
        insert: (docs) => (failing ? Promise.reject(new Error("no MongoDB")) : real.insert(docs)),
      }),
    });
    const ledger = async () => (await contentsOf(raw, sale.campaign._id)).ledger.length;
    const winner = issuedBy(await sale.issue("winner"));
    await sale.claimer.idle();
    failing = true;
    expect(reasonOf(await sale.issue("first"))).to.equal("UNCERTAIN");
    expect(sale.claimer.holdsBack()).to.equal(true);
    // One claim is let through to find out; the rest of its batch, and those after it, are not.
    const asked = await Promise.all(Array.from({ length: 30 }, (_, i) => sale.issue(`user-${i}`)));
    expect(asked.map(reasonOf)).to.deep.equal(["UNCERTAIN", ...Array(29).fill("OVERLOADED")]);
    expect(await ledger()).to.equal(2);
    expect(issuedBy(await sale.issue("winner"))).to.deep.equal({ ...winner, replayed: true });
    expect((await contentsOf(raw, sale.campaign._id)).open).to.have.length(7);
    expect((await sale.metrics.heldBack.get()).values[0]?.value).to.equal(29);

    failing = false;
    sale.clock.pass(PROBE_EVERY_MS);
    expect(reasonOf(await sale.issue("user-5"))).to.equal("issued");
    expect(sale.claimer.holdsBack()).to.equal(false);
    const again = await Promise.all(Array.from({ length: 30 }, (_, i) => sale.issue(`user-${i}`)));
    // Ten coupons: the winner's, the one that was left uncertain before anybody was held back, and eight of these.
    expect(again.map(reasonOf).filter((reason) => reason === "issued")).to.have.length(8);
    expect(reasonOf(await sale.issue("first"))).to.equal("issued");
    const durable = await stores.db
      .collection<IssuanceDoc>("issuances")
      .countDocuments({ campaignId: sale.campaign._id });
    expect(durable).to.equal(10);
  });

  it("a hanging commit: new claims are held back when it has hung for too long, and taken again when it has ended", async () => {
    const door = gate();
    let hanging = 0;
    const sale = await openSale(stores, {
      deps: { commitStallMs: STALL_MS, commitsInFlightMax: 1 },
      issuances: (real) => ({
        ...real,
        async insert(docs) {
          hanging++;
          await door.passed;
          return real.insert(docs);
        },
      }),
    });
    const stuck = sale.issue("stuck");
    expect(await until(() => hanging === 1, HANG_MS, 1)).to.equal(true);
    sale.clock.pass(STALL_MS + 500);
    expect(sale.claimer.holdsBack()).to.equal(true);
    const probe = sale.issue("probe");
    expect(await until(() => sale.claimer.sizes().commits === 2, HANG_MS, 1)).to.equal(true);
    expect(reasonOf(await sale.issue("late"))).to.equal("OVERLOADED");
    expect(Object.keys((await contentsOf(raw, sale.campaign._id)).claims).sort()).to.deep.equal([
      "probe",
      "stuck",
    ]);
    door.open();
    expect([reasonOf(await stuck), reasonOf(await probe)]).to.deep.equal(["issued", "issued"]);
    expect(sale.claimer.holdsBack()).to.equal(false);
    expect(reasonOf(await sale.issue("late"))).to.equal("issued");
  });

  it("a sold-out campaign stays sold out while held back", async () => {
    let failing = false;
    const sale = await openSale(stores, {
      total: 1,
      issuances: (real) => ({
        ...real,
        insert: (docs) => (failing ? Promise.reject(new Error("no MongoDB")) : real.insert(docs)),
      }),
    });
    failing = true;
    expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
    expect(reasonOf(await sale.issue("b"))).to.equal("SOLD_OUT");
    expect(reasonOf(await sale.issue("c"))).to.equal("SOLD_OUT");
    expect(sale.claimer.holdsBack()).to.equal(true);
    failing = false;
    expect(issuedBy(await sale.issue("a"))).to.deep.include({ replayed: true });
    expect(sale.claimer.holdsBack()).to.equal(false);
  });
});
