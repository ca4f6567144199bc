import { expect } from "chai";
import { until } from "../../local/poll.ts";
import type { Issuances } from "../../record/issuances.ts";
import { UncertainInsert } from "../../record/unordered-insert.ts";
import { gate, openSale, reasonOf, type Sale, type SaleOptions } from "../support/open-sale.ts";
import { withStores } from "../support/with-stores.ts";

/** Long: no call that hangs reaches its deadline in these tests. */
const DEADLINE_MS = 60_000;
/** A bound that holds on a busy machine too. */
const IN_THE_END_MS = 40_000;
const TOTAL = 30;
const PACE_MS = 20;
/** It takes about twenty; without a slot for the trial, five thousand. */
const TRIES = 500;

describe("a campaign whose commits alone have no success", () => {
  const stores = withStores();

  /** Two campaigns of one process; inserts of the first pass through `around` first. */
  async function twoSales(around: () => Promise<void>, total = TOTAL, more: SaleOptions["deps"] = {}) {
    const probes = stores.db.collection<{ _id: string }>("probes");
    let troubledId = "";
    const troubled = await openSale(stores, {
      total,
      deps: { issueDeadlineMs: DEADLINE_MS, commitDeadlineMs: DEADLINE_MS, ...more },
      issuances: (real): Issuances => ({
        ...real,
        async insert(docs, ...rest) {
          if (docs[0]?.campaignId === troubledId) await around();
          return real.insert(docs, ...rest);
        },
      }),
      breakers: {
        commitStallMs: 200,
        probes: {
          write: () => probes.updateOne({ _id: "probe" }, { $currentDate: { at: true } }, { upsert: true }),
          read: () => probes.findOne({ _id: "probe" }),
          pool: (campaignId) => stores.pool.inspect(campaignId),
        },
      },
    });
    troubledId = troubled.campaign._id;
    const other = await openSale(stores, { total });
    const issueOf = async ({ campaign: { _id, onePerUser } }: Sale, claimKey: string) => {
      const facts = { onePerUser, leastGeneration: 0, maxPerUser: 1 };
      const caller = new AbortController().signal;
      return reasonOf(await troubled.claimer.issue({ campaignId: _id, facts, claimKey, userId: "", caller }));
    };
    return { troubled, other, issueOf };
  }

  it("its inserts hang, as on a lock: its callers are refused early, those of another campaign get their coupons; all goes on after it", async () => {
    const lock = gate();
    const { troubled, other, issueOf } = await twoSales(() => lock.passed);
    let isAnswered = false;
    const sent = issueOf(troubled, "sent").finally(() => {
      isAnswered = true;
    });
    expect(await until(() => troubled.breakers.anyOpen(), IN_THE_END_MS, 5)).to.equal(true);
    const told: string[] = [];
    const early = Array.from({ length: 10 }, async (_, i) =>
      told.push(await issueOf(troubled, `early-${i}`)),
    );
    // One of those that ask at one time may be a trial, which hangs as well.
    expect(await until(() => told.length >= 9, IN_THE_END_MS, 5)).to.equal(true);
    expect(new Set(told)).to.deep.equal(new Set(["OVERLOADED"]));
    for (let i = 0; i < 20; i++) expect(await issueOf(other, `other-${i}`)).to.equal("issued");
    expect(isAnswered, "what was sent waits for its answer").to.equal(false);
    const { claims } = await stores.pool.inspect(troubled.campaign._id);
    expect(claims, "codes popped without a commit: for the first, and for a trial").to.be.at.most(2);
    lock.open();
    expect(await sent).to.equal("issued");
    await Promise.all(early);
    const isIssued = async () => (await issueOf(troubled, "early-0")) === "issued";
    expect(await until(isIssued, IN_THE_END_MS, 20)).to.equal(true);
    await troubled.claimer.idle();
  });

  it("MongoDB does not take its documents: its callers are told UNCERTAIN or refused, another campaign goes on", async () => {
    let isTaken = false;
    const { troubled, other, issueOf } = await twoSales(async () => {
      if (!isTaken) throw new UncertainInsert("insert into issuances: document failed validation", [121]);
    });
    expect(await issueOf(troubled, "first")).to.equal("UNCERTAIN");
    for (let i = 0; i < 20; i++) {
      expect(await issueOf(troubled, `more-${i}`)).to.be.oneOf(["UNCERTAIN", "OVERLOADED"]);
      expect(await issueOf(other, `other-${i}`)).to.equal("issued");
    }
    isTaken = true;
    const isIssued = async () => (await issueOf(troubled, "first")) === "issued";
    expect(await until(isIssued, IN_THE_END_MS, 20)).to.equal(true);
    await troubled.claimer.idle();
  });

  it("commits that hang do not keep the trial of their campaign from MongoDB, where another one is active", async () => {
    const lock = gate();
    let isLocked = true;
    const whileLocked = async () => {
      if (isLocked) await lock.passed;
    };
    // None of the many that ask at a time is to be shed.
    const { troubled, other, issueOf } = await twoSales(whileLocked, 1_000, { waitTargetMs: 0 });
    const hanging = Array.from({ length: 400 }, (_, i) => issueOf(troubled, `first-${i}`));
    expect(await until(() => troubled.breakers.anyOpen(), IN_THE_END_MS, 5)).to.equal(true);
    // Later inserts are taken: the lock is on the documents of the first ones alone.
    isLocked = false;
    const told: string[] = [];
    const asked: Promise<unknown>[] = [];
    for (let i = 0; !told.includes("issued") && i < TRIES; i++) {
      asked.push(
        issueOf(other, `other-${i}`),
        issueOf(troubled, `next-${i}`).then((reason) => told.push(reason)),
      );
      await new Promise<void>((resume) => setTimeout(resume, PACE_MS));
    }
    const hasRecovered = told.includes("issued");
    lock.open();
    await Promise.all([...hanging, ...asked]);
    await troubled.claimer.idle();
    expect(hasRecovered).to.equal(true);
  });
});
