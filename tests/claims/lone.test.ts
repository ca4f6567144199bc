import { createHook } from "node:async_hooks";
import { expect } from "chai";
import type { Pool } from "../../pool/pool.ts";
import type { Issuances } from "../../record/issuances.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { issuedBy, openSale } from "../support/open-sale.ts";
import { withStores } from "../support/with-stores.ts";

/** Deadlines of lengths that no other timer has, so that a timer can be identified by its delay. */
const DEADLINES = { issueDeadlineMs: 15_013, commitDeadlineMs: 10_007 };
const STORE_DEADLINE_MS = 10_000;

/** Turns of the event loop whose end the test decides. */
function turns() {
  const deferred: (() => void)[] = [];
  return {
    defer: (callback: () => void) => void deferred.push(callback),
    waiting: () => deferred.length,
    /** Ends the turn: runs the callbacks that were deferred so far. */
    end() {
      for (const callback of deferred.splice(0)) callback();
    },
  };
}

/** Records the calls to the stores: when each is made, and when its answer has come. */
function heard(events: string[]) {
  const around =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      events.push(name);
      return call(...args).finally(() => events.push(`${name} answered`));
    };
  return {
    pool: (real: Pool): Pool => ({ ...real, claim: around("claim", real.claim) }),
    issuances: (real: Issuances): Issuances => ({ ...real, insert: around("insert", real.insert) }),
  };
}

/** Resolves when all ready promises have been followed, within this turn of the event loop. */
const microtasks = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe("a lone claim", () => {
  const stores = withStores();

  it("is sent at the end of the turn in which it came, and its commit at the end of that of Redis' answer", async () => {
    const turn = turns();
    const events: string[] = [];
    // No timer of this clock ever fires: a step that waited for one would wait for ever.
    const clock = fakeClock({ startMs: Date.now() });
    const deps = { ...DEADLINES, clock, defer: turn.defer };
    const sale = await openSale(stores, { deps, ...heard(events) });
    let answered = false;
    const asked = sale.issue("alone").finally(() => {
      answered = true;
    });
    await microtasks();
    expect([...events], "before the turn ends").to.deep.equal([]);
    expect(turn.waiting(), "sendings that wait for the end of the turn").to.equal(1);
    turn.end();
    expect([...events], "when the turn ends").to.deep.equal(["claim"]);

    while (!events.includes("claim answered")) await new Promise((resolve) => setImmediate(resolve));
    await microtasks();
    expect(turn.waiting(), "sendings that wait for the end of the turn").to.equal(1);
    expect([...events]).to.deep.equal(["claim", "claim answered"]);
    turn.end();
    expect([...events], "when that turn ends").to.deep.equal(["claim", "claim answered", "insert"]);

    while (!answered) await new Promise((resolve) => setImmediate(resolve));
    const { coupon, replayed } = issuedBy(await asked);
    expect([coupon.code, replayed]).to.deep.equal([sale.codes[0], false]);
    expect(turn.waiting(), "nothing more was put off").to.equal(0);
    expect(clock.elapsed(), "time that went by").to.equal(0);
  });

  it("is answered within the turns in which the stores answer, again and again", async () => {
    const clock = fakeClock({ startMs: Date.now() });
    const events: string[] = [];
    const sale = await openSale(stores, { total: 5, deps: { ...DEADLINES, clock }, ...heard(events) });
    for (let i = 0; i < 5; i++) issuedBy(await sale.issue(`one after the other ${i}`));
    const one = ["claim", "claim answered", "insert", "insert answered"];
    expect(events).to.deep.equal(Array(5).fill(one).flat());
  });

  it("sets no timer but for deadlines, and for the ledger, for which nobody waits", async () => {
    const sale = await openSale(stores, { total: CLAIMS + 1, deps: DEADLINES });
    // The first claim also makes the process read the campaign and prepare its scripts: it is not counted.
    issuedBy(await sale.issue("before"));
    await sale.claimer.idle();
    const delaysMs: number[] = [];
    const hook = createHook({
      init(_, type, __, resource) {
        if (type === "Timeout") delaysMs.push((resource as { _idleTimeout: number })._idleTimeout);
      },
    });
    hook.enable();
    try {
      for (let i = 0; i < CLAIMS; i++) issuedBy(await sale.issue(`user ${i}`));
    } finally {
      hook.disable();
    }
    const allowed = [...Object.values(DEADLINES), STORE_DEADLINE_MS, LEDGER_MS];
    // Timers of other parts of this process are not set once for each claim.
    const others = new Set(delaysMs.filter((ms) => !allowed.includes(ms) && ms < SHORT_MS));
    const often = [...others].filter((one) => delaysMs.filter((ms) => ms === one).length >= CLAIMS);
    expect(often, "delays in ms, set with each claim").to.deep.equal([]);
  });
});

/** As in claims/pipeline.ts. */
const LEDGER_MS = 10;
/** More often than any other timer is set meanwhile. */
const CLAIMS = 8;
/** The drivers' own timers, for heartbeats and sockets, are longer. */
const SHORT_MS = 500;
