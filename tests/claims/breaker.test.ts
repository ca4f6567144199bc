import { expect } from "chai";
import fc from "fast-check";
import { createBreaker, PROBE_EVERY_MS } from "../../claims/breaker.ts";
import { until } from "../../local/poll.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { DeadlineExceeded } from "../../runtime/deadline.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { gate, issuedBy, openSale, reasonOf } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const STALL_MS = 1_000;

/** Resolves when all callbacks that the fake clock has started have run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("breaker", () => {
  function breaker({ trials = false } = {}) {
    const clock = fakeClock();
    let probes = 0;
    let opened = 0;
    let reachable = false;
    let hanging = false;
    const one = createBreaker({
      ...{ store: "a store", clock, logger: silentLogger, stallMs: STALL_MS, trials },
      probe() {
        probes++;
        if (hanging) return new Promise(() => undefined);
        return reachable ? Promise.resolve() : Promise.reject(new Error("not now"));
      },
      onOpen() {
        opened++;
      },
    });
    return {
      ...{ clock, one },
      probes: () => probes,
      opened: () => opened,
      reach: (answers: boolean) => {
        reachable = answers;
      },
      hang: (hangs: boolean) => {
        hanging = hangs;
      },
    };
  }

  it("lets everything through while calls are answered, however many are under way", () => {
    const { clock, one, probes } = breaker();
    const ends = Array.from({ length: 5 }, () => one.begin());
    clock.pass(STALL_MS);
    expect([one.state(), one.admit(), one.admit()]).to.deep.equal(["closed", "go", "go"]);
    for (const end of ends) end(true);
    clock.pass(10 * STALL_MS);
    expect([one.admit(), probes()]).to.deep.equal(["go", 0]);
    expect(clock.waiting(), "no timer is left behind").to.deep.equal([]);
  });

  it("refuses from a call without an answer on, and probes once every 250 ms however many are refused", async () => {
    const { clock, one, probes, opened } = breaker();
    one.begin()(false);
    expect([one.state(), opened()]).to.deep.equal(["open", 1]);
    const seen: number[] = [];
    for (let ms = 0; ms < 2 * PROBE_EVERY_MS; ms += 50) {
      for (let i = 0; i < 100; i++) expect(one.admit()).to.equal("refuse");
      await settled();
      seen.push(probes());
      clock.pass(50);
    }
    expect(seen).to.deep.equal([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    expect(opened()).to.equal(1);
  });

  it("one probe at a time: one that hangs is given up after a second, and meanwhile there is no other", async () => {
    const { clock, one, probes, hang, reach } = breaker();
    one.begin()(false);
    hang(true);
    for (let ms = 0; ms < 1_000; ms += 100) {
      one.admit();
      await settled();
      clock.pass(100);
    }
    await settled();
    expect(probes()).to.equal(1);
    hang(false);
    reach(true);
    expect(one.admit()).to.equal("refuse");
    await settled();
    expect([probes(), one.admit()]).to.deep.equal([2, "go"]);
  });

  it("an answered probe closes it", async () => {
    const { one, reach } = breaker();
    one.begin()(false);
    reach(true);
    expect(one.admit()).to.equal("refuse");
    await settled();
    expect([one.state(), one.admit(), one.admit()]).to.deep.equal(["closed", "go", "go"]);
  });

  it("probes when it is told to, as often as when requests are refused, and not while it is closed", async () => {
    const { clock, one, probes, reach } = breaker();
    one.probe();
    expect([probes(), one.holdsBack()]).to.deep.equal([0, false]);
    one.begin()(false);
    for (let i = 0; i < 5; i++) one.probe();
    await settled();
    expect([probes(), one.state(), one.holdsBack()]).to.deep.equal([1, "open", true]);
    reach(true);
    clock.pass(PROBE_EVERY_MS);
    one.probe();
    await settled();
    expect([probes(), one.state(), one.holdsBack()]).to.deep.equal([2, "closed", false]);
  });

  it("with trials: once a probe is answered it holds back for as long as requests are refused", async () => {
    const { clock, one, reach } = breaker({ trials: true });
    one.begin()(false);
    reach(true);
    clock.pass(60_000);
    expect(one.holdsBack(), "nobody was refused, and no probe answered").to.equal(true);
    one.probe();
    await settled();
    expect([one.state(), one.holdsBack()]).to.deep.equal(["half-open", false]);
    expect([one.admit(), one.holdsBack()]).to.deep.equal(["trial", false]);
    expect([one.admit(), one.holdsBack()]).to.deep.equal(["refuse", true]);
    clock.pass(2_000);
    expect(one.holdsBack()).to.equal(true);
    clock.pass(1);
    expect([one.state(), one.holdsBack()]).to.deep.equal(["half-open", false]);
  });

  it("opens while a call is under way for too long; a later one that is answered closes it, whatever still hangs", () => {
    const { clock, one, opened } = breaker();
    const stuck = one.begin();
    clock.pass(STALL_MS);
    expect(one.state()).to.equal("closed");
    clock.pass(STALL_MS / 2);
    expect([one.state(), opened()]).to.deep.equal(["open", 1]);
    const later = one.begin();
    later(true);
    expect(one.state()).to.equal("closed");
    stuck(false);
    expect(one.state(), "what began before is no evidence any more").to.equal("closed");
  });

  it("a call that began before the last trouble does not close it", () => {
    const { one } = breaker();
    const [first, second] = [one.begin(), one.begin()];
    second(false);
    first(true);
    expect(one.state()).to.equal("open");
  });

  it("a process that stood still itself learns nothing about the store", () => {
    // After a stall of the process its timers fire late and all at once, before it reads what has arrived
    // meanwhile: that counts as one tick, not as ten seconds.
    const clock = fakeClock();
    const late: (() => void)[] = [];
    const one = createBreaker({
      ...{ store: "a store", logger: silentLogger, stallMs: STALL_MS, probe: () => Promise.resolve() },
      clock: {
        ...clock,
        after(_, callback) {
          late.push(callback);
          return () => undefined;
        },
      },
    });
    const end = one.begin();
    clock.pass(10 * STALL_MS);
    late.shift()?.();
    expect(one.state()).to.equal("closed");
    end(true);
  });

  it("a clock that is set does not matter", async () => {
    const { clock, one, probes } = breaker();
    const underWay = one.begin();
    clock.step(3_600_000);
    expect(one.state()).to.equal("closed");
    underWay(false);
    one.admit();
    await settled();
    clock.step(-7_200_000);
    one.admit();
    clock.pass(PROBE_EVERY_MS);
    one.admit();
    await settled();
    expect(probes()).to.equal(2);
  });

  describe("with trials", () => {
    it("an answered probe lets one through, and nobody else until that one succeeds", async () => {
      const { clock, one, reach } = breaker({ trials: true });
      one.begin()(false);
      reach(true);
      one.admit();
      await settled();
      expect([one.state(), one.admit(), one.admit()]).to.deep.equal(["half-open", "trial", "refuse"]);
      const end = one.begin();
      clock.pass(PROBE_EVERY_MS);
      expect(one.admit(), "while it is under way").to.equal("refuse");
      end(true);
      expect([one.state(), one.admit()]).to.deep.equal(["closed", "go"]);
    });

    it("a trial that fails opens it again; one that came to nothing leaves its place to the next", async () => {
      const { clock, one, reach } = breaker({ trials: true });
      one.begin()(false);
      reach(true);
      one.admit();
      await settled();
      expect(one.admit()).to.equal("trial");
      one.returnTrial();
      expect(one.admit()).to.equal("trial");
      one.begin()(false);
      expect([one.state(), one.admit()]).to.deep.equal(["open", "refuse"]);
      clock.pass(PROBE_EVERY_MS);
      one.admit();
      await settled();
      expect(one.state()).to.equal("half-open");
    });

    it("calls that hung before the probe was answered do not stand in the way of a trial", async () => {
      const { clock, one, reach } = breaker({ trials: true });
      one.begin();
      clock.pass(2 * STALL_MS);
      reach(true);
      expect(one.admit()).to.equal("refuse");
      await settled();
      expect(one.admit()).to.equal("trial");
    });
  });

  describe("calls without effect", () => {
    it("are refused at once while it is open, and when it opens under them", async () => {
      const { clock, one } = breaker();
      const names: string[] = [];
      const hangs = () => new Promise<never>(() => undefined);
      const asked = [1, 2, 3].map(() => one.ask(hangs).catch((error: Error) => names.push(error.name)));
      clock.pass(2 * STALL_MS);
      await Promise.all(asked);
      await one.ask(hangs).catch((error: Error) => names.push(error.name));
      expect(names).to.deep.equal(Array(4).fill("CircuitOpen"));
    });

    it("tell what they find, and an error that the store answered with does not open it", async () => {
      const { one } = breaker();
      expect(await one.ask(() => Promise.resolve(7))).to.equal(7);
      const told = await one
        .ask(() => Promise.reject(new Error("a bug")))
        .catch((error: Error) => error.message);
      expect([told, one.state()]).to.deep.equal(["a bug", "closed"]);
      const lost = () => Promise.reject(new DeadlineExceeded("no answer"));
      // The call had no effect, so its caller too may be told that the step was not tried.
      expect(await one.ask(lost).catch((error: Error) => error.name)).to.equal("CircuitOpen");
      expect(one.state()).to.equal("open");
    });
  });

  it("a call that throws before it returns a promise ends like one that rejects", async () => {
    const { clock, one } = breaker();
    const thrown = await one
      .ask(() => {
        throw new Error("a bug");
      })
      .catch((error: Error) => error.message);
    clock.pass(2 * STALL_MS);
    expect([thrown, one.state(), clock.waiting()]).to.deep.equal(["a bug", "closed", []]);
  });

  it("whatever comes in whatever order: closed once a later call is answered, one probe at a time, no timer left", async () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constantFrom("begin", "admit", "suspect", "reach", "unreach") }),
      fc.record({ kind: fc.constant("end"), at: fc.nat(20), answered: fc.boolean() }),
      fc.record({ kind: fc.constant("pass"), ms: fc.nat(2_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.boolean(), async (actions, trials) => {
        const { clock, one, reach } = breaker({ trials });
        const ends: ((answered: boolean) => void)[] = [];
        for (const one_ of actions) {
          if (one_.kind === "begin") ends.push(one.begin());
          else if (one_.kind === "admit") one.admit();
          else if (one_.kind === "suspect") one.suspect();
          else if (one_.kind === "reach" || one_.kind === "unreach") reach(one_.kind === "reach");
          else if ("ms" in one_) clock.pass(one_.ms);
          else if ("at" in one_) ends.splice(one_.at % Math.max(1, ends.length), 1)[0]?.(one_.answered);
          await settled();
        }
        // The store answers again: within a few probes all calls are admitted, although some earlier ones
        // still hang.
        reach(true);
        for (let i = 0; i < 20 && one.state() !== "closed"; i++) {
          clock.pass(PROBE_EVERY_MS);
          await settled();
          if (one.admit() === "trial") one.begin()(true);
          await settled();
        }
        expect(one.state()).to.equal("closed");
        for (const end of ends) end(true);
        clock.pass(STALL_MS);
        await settled();
        expect(clock.waiting()).to.deep.equal([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("claimer while nothing can be made durable", () => {
  const stores = withStores();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  after(async () => {
    raw.destroy();
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
    expect(sale.breakers.anyOpen()).to.equal(true);
    // The first refused caller starts a probe, which is answered. Then one claim is let through as a trial,
    // the others are not.
    expect(reasonOf(await sale.issue("second"))).to.equal("OVERLOADED");
    const asked = await Promise.all(Array.from({ length: 30 }, (_, i) => sale.issue(`user-${i}`)));
    expect(asked.map(reasonOf)).to.deep.equal(["UNCERTAIN", ...Array(29).fill("OVERLOADED")]);
    expect(await ledger()).to.equal(2);
    expect(issuedBy(await sale.issue("winner"))).to.deep.equal({ ...winner, replayed: true });
    expect((await contentsOf(raw, sale.campaign._id)).open).to.have.length(7);
    expect((await sale.metrics.heldBack.get()).values[0]?.value).to.equal(30);

    failing = false;
    sale.clock.pass(PROBE_EVERY_MS);
    expect(reasonOf(await sale.issue("user-4"))).to.equal("OVERLOADED");
    expect(reasonOf(await sale.issue("user-5"))).to.equal("issued");
    expect(sale.breakers.anyOpen()).to.equal(false);
    const again = await Promise.all(Array.from({ length: 30 }, (_, i) => sale.issue(`user-${i}`)));
    // Ten coupons: the winner's, the one that was left uncertain before claims were held back, and eight of
    // these.
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
    let reachable = true;
    const sale = await openSale(stores, {
      breakers: {
        commitStallMs: 40,
        probes: {
          ...{ read: () => Promise.resolve(), pool: () => Promise.resolve() },
          write: () => (reachable ? Promise.resolve() : Promise.reject(new Error("no MongoDB"))),
        },
      },
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
    expect(await until(() => hanging === 1 && sale.breakers.anyOpen(), HANG_MS, 1)).to.equal(true);
    expect(reasonOf(await sale.issue("first"))).to.equal("OVERLOADED");
    const trial = sale.issue("trial");
    expect(await until(() => hanging === 2, HANG_MS, 1)).to.equal(true);
    reachable = false;
    expect(reasonOf(await sale.issue("late"))).to.equal("OVERLOADED");
    expect(Object.keys((await contentsOf(raw, sale.campaign._id)).claims).sort()).to.deep.equal([
      "stuck",
      "trial",
    ]);
    door.open();
    expect([reasonOf(await stuck), reasonOf(await trial)]).to.deep.equal(["issued", "issued"]);
    expect(sale.breakers.anyOpen()).to.equal(false);
    expect(reasonOf(await sale.issue("late"))).to.equal("issued");
  });

  it("a coupon that is claimed and not durable: whoever asks again is told at once that it is uncertain, and gets it when MongoDB is back", async () => {
    let failing = false;
    let inserts = 0;
    const sale = await openSale(stores, {
      breakers: {
        probes: {
          ...{ read: () => Promise.resolve(), pool: () => Promise.resolve() },
          write: () => (failing ? Promise.reject(new Error("no MongoDB")) : Promise.resolve()),
        },
      },
      issuances: (real) => ({
        ...real,
        insert(docs) {
          inserts++;
          return failing ? Promise.reject(new Error("no MongoDB")) : real.insert(docs);
        },
      }),
    });
    failing = true;
    expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
    expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
    expect(inserts, "MongoDB is not asked again and again").to.equal(1);
    failing = false;
    sale.clock.pass(PROBE_EVERY_MS);
    await sale.issue("a");
    expect(reasonOf(await sale.issue("a"))).to.equal("issued");
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
    expect(sale.breakers.anyOpen()).to.equal(true);
    failing = false;
    expect(issuedBy(await sale.issue("a"))).to.deep.include({ replayed: true });
    expect(sale.breakers.anyOpen()).to.equal(false);
  });
});

describe("claimer while Redis does not answer", () => {
  const stores = withStores();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  after(async () => {
    raw.destroy();
  });

  /** Ends the outage after each test; after a failed one its server would otherwise probe Redis for ever. */
  const backAgain: (() => void)[] = [];
  afterEach(() => {
    for (const comeBack of backAgain.splice(0)) comeBack();
  });

  async function heldUp() {
    const state = { away: false, sent: 0, probes: 0 };
    const door = gate();
    backAgain.push(() => {
      state.away = false;
      door.open();
    });
    const sale = await openSale(stores, {
      deps: { claimBatchMax: 4 },
      breakers: {
        storeStallMs: 40,
        probes: {
          ...{ read: () => Promise.resolve(), write: () => Promise.resolve() },
          async pool() {
            state.probes++;
            if (state.away) throw new Error("no Redis");
          },
        },
      },
      pool: (real) => ({
        ...real,
        async claim(...asked) {
          state.sent++;
          if (state.away) await door.passed;
          return real.claim(...asked);
        },
      }),
    });
    return { sale, state, door };
  }

  it("who waits behind a script that hangs, and who comes later, is refused at once and nothing is tried; what was sent stays uncertain", async () => {
    const { sale, state, door } = await heldUp();
    state.away = true;
    // Two calls of four claims each are sent; the other claims wait behind them.
    const reasons: string[] = [];
    const asked = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map((key) =>
      sale.issue(key).then((issue) => void reasons.push(reasonOf(issue))),
    );
    expect(await until(() => reasons.length === 2, HANG_MS, 1)).to.equal(true);
    expect([reasons, state.sent]).to.deep.equal([["OVERLOADED", "OVERLOADED"], 2]);
    expect(sale.breakers.anyOpen()).to.equal(true);
    const before = state.sent;
    const late = await sale.issue("late");
    expect(late).to.deep.equal({
      kind: "refused",
      refusal: {
        reason: "OVERLOADED",
        why: "this server does not reach a store at the moment",
        retryAfterMs: 500,
      },
    });
    expect(state.sent).to.equal(before);
    expect(Object.keys((await contentsOf(raw, sale.campaign._id)).claims)).to.deep.equal([]);
    state.away = false;
    door.open();
    await Promise.all(asked);
    expect(reasons.slice(2)).to.deep.equal(Array(8).fill("issued"));
    expect(reasonOf(await sale.issue("late"))).to.equal("issued");
  });

  it("an answered probe lets everybody go on, although the first scripts still hang", async () => {
    const { sale, state, door } = await heldUp();
    state.away = true;
    const stuck = sale.issue("stuck");
    expect(await until(() => sale.breakers.anyOpen(), HANG_MS, 1)).to.equal(true);
    expect(reasonOf(await sale.issue("refused"))).to.equal("OVERLOADED");
    state.away = false;
    sale.clock.pass(PROBE_EVERY_MS);
    expect(reasonOf(await sale.issue("probing"))).to.equal("OVERLOADED");
    expect(await until(() => !sale.breakers.anyOpen(), HANG_MS, 1)).to.equal(true);
    expect(reasonOf(await sale.issue("goes on"))).to.equal("issued");
    door.open();
    expect(reasonOf(await stuck)).to.equal("issued");
  });

  it("without a connection nothing is sent: refused, not uncertain", async () => {
    let away = true;
    class ClientOfflineError extends Error {}
    const sale = await openSale(stores, {
      pool: (real) => ({
        ...real,
        claim: (...asked) =>
          away ? Promise.reject(new ClientOfflineError("offline")) : real.claim(...asked),
      }),
    });
    expect(reasonOf(await sale.issue("a"))).to.equal("OVERLOADED");
    away = false;
    expect(reasonOf(await sale.issue("a"))).to.equal("OVERLOADED");
    expect(reasonOf(await sale.issue("a"))).to.equal("issued");
  });

  it("a refusal that Redis gives is an answer: the next is asked as before", async () => {
    class ErrorReply extends Error {}
    let calls = 0;
    const sale = await openSale(stores, {
      pool: (real) => ({
        ...real,
        claim(...asked) {
          calls++;
          return calls === 1 ? Promise.reject(new ErrorReply("OOM")) : real.claim(...asked);
        },
      }),
    });
    expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
    expect(reasonOf(await sale.issue("a"))).to.equal("issued");
  });

  it("winners of a sold-out campaign and everybody else are still answered from memory", async () => {
    const { sale, state, door } = await heldUp();
    const keys = Array.from({ length: 10 }, (_, i) => `user-${i}`);
    await Promise.all(keys.map((key) => sale.issue(key)));
    const fromMemory = async () => (await sale.metrics.fromMemory.get()).values[0]?.value ?? 0;
    expect(
      await until(async () => {
        // "Sold out" is answered from memory first; the winners' coupons are read after that.
        const [before] = [await fromMemory(), await sale.issue("nobody")];
        const [refused] = [await fromMemory(), await sale.issue("user-3")];
        return refused > before && (await fromMemory()) > refused;
      }, HANG_MS),
    ).to.equal(true);
    state.away = true;
    expect(reasonOf(await sale.issue("user-3"))).to.equal("issued");
    door.open();
  });
});
