import { expect } from "chai";
import type { LoadOutcome } from "../../campaign/load.ts";
import { until } from "../../local/poll.ts";
import { gate, openSale, reasonOf, type Sale } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { withStores } from "../support/with-stores.ts";

/** No claim of these tests may end by its deadline. */
const DEADLINE_MS = 2 * HANG_MS;
const PACE_MS = 20;
/** It takes about twenty; without a slot for the trial, five thousand. */
const TRIES = 500;

describe("campaigns of one process beside each other", () => {
  const stores = withStores();
  const facts = { onePerUser: true, leastGeneration: 0, maxPerUser: 1 };
  const issueOf = async ({ claimer }: Sale, campaignId: string, claimKey: string) => {
    const caller = new AbortController().signal;
    return reasonOf(await claimer.issue({ campaignId, facts, claimKey, userId: "", caller }));
  };
  const pause = () => new Promise<void>((resume) => setTimeout(resume, PACE_MS));

  it("commits that hang do not keep the trial of their campaign from MongoDB, where another one is active", async () => {
    const lock = gate();
    let lockedId = "";
    let isLocked = true;
    const probes = stores.db.collection<{ _id: string }>("probes");
    const sale = await openSale(stores, {
      total: 1_000,
      deps: { issueDeadlineMs: DEADLINE_MS, commitDeadlineMs: DEADLINE_MS, waitTargetMs: 0 },
      issuances: (real) => ({
        ...real,
        async insert(docs, ...rest) {
          if (docs[0]?.campaignId === lockedId && isLocked) await lock.passed;
          return real.insert(docs, ...rest);
        },
      }),
      breakers: {
        commitStallMs: 200,
        probes: {
          write: () => probes.updateOne({ _id: "probe" }, { $currentDate: { at: true } }, { upsert: true }),
          read: () => probes.findOne({ _id: "probe" }),
          pool: (id) => stores.pool.inspect(id),
        },
      },
    });
    lockedId = sale.campaign._id;
    const other = await openSale(stores, { total: 5_000 });
    const hanging = Array.from({ length: 400 }, (_, i) => sale.issue(`first-${i}`));
    expect(await until(() => sale.breakers.anyOpen(), HANG_MS, 5)).to.equal(true);
    // Later inserts are taken: the lock is on the documents of the first ones alone.
    isLocked = false;
    const told: string[] = [];
    const asked: Promise<unknown>[] = [];
    for (let i = 0; !told.includes("issued") && i < TRIES; i++) {
      asked.push(
        issueOf(sale, other.campaign._id, `other-${i}`),
        sale.issue(`next-${i}`).then((issue) => told.push(reasonOf(issue))),
      );
      await pause();
    }
    const hasRecovered = told.includes("issued");
    lock.open();
    await Promise.all([...hanging, ...asked]);
    await sale.claimer.idle();
    expect(hasRecovered).to.equal(true);
  });

  it("claims that wait for a rebuild count for their campaign, however many other campaigns come by", async () => {
    const rebuild = gate();
    let waitingId = "";
    const restore = async (id: string): Promise<LoadOutcome> => {
      if (id === waitingId) await rebuild.passed;
      return "gone";
    };
    const sale = await openSale(stores, { load: false, deps: { heldMax: 4, restore } });
    waitingId = sale.campaign._id;
    const waiting = ["a", "b", "c"].map((key) => sale.issue(key));
    await until(() => sale.claimer.sizes().claims === 0, HANG_MS, 5);
    for (let i = 0; i <= 1_000; i++) await issueOf(sale, `x${i}`, "k");
    expect(reasonOf(await sale.issue("d"))).to.equal("OVERLOADED");
    rebuild.open();
    await Promise.all(waiting);
  });
});
