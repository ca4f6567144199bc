import { expect } from "chai";
import fc from "fast-check";
import { createBatchQueue } from "../../claims/batch-queue.ts";
import { createFairSlots, type FairSlots, type Slot } from "../../claims/fair-slots.ts";
import { fakeClock } from "../support/fake-clock.ts";

const SLOTS = 4;
const BATCH = 32;
const BOUNDS = { underWayMax: SLOTS * BATCH, fixedPrice: 0, batchMax: BATCH };
const MOST_OF_A_QUEUE = 256;

type Campaign = (items: number) => Promise<void>;

/** Lets what was deferred and resolved happen. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const itemsOf = (slots: readonly { readonly items: number }[]) =>
  slots.reduce((sum, { items }) => sum + items, 0);

describe("fair slots", () => {
  function made(clock = fakeClock()) {
    const slots = createFairSlots({ clock, ...BOUNDS });
    /** What is under way, in the order in which it began. */
    const batches: { readonly name: string; readonly size: number; end(): void }[] = [];
    /** The queue of a campaign: its batches end when the test ends them. */
    const campaign = (name: string, maxInFlight = SLOTS) => {
      const queue = createBatchQueue<number, number>({
        ...{ maxBatch: MOST_OF_A_QUEUE, maxInFlight, maxWaiting: 10_000, slots },
        run: (items) =>
          new Promise((resolve) => {
            const batch = {
              ...{ name, size: items.length },
              end() {
                batches.splice(batches.indexOf(batch), 1);
                resolve(items);
              },
            };
            batches.push(batch);
          }),
      });
      return (items: number) => {
        for (let i = 0; i < items; i++) void queue.push(i);
        return turn();
      };
    };
    const underWay = () => batches.map(({ name, size }) => `${name} ${size}`);
    const endFirst = () => {
      batches[0]?.end();
      return turn();
    };
    return { clock, campaign, batches, underWay, endFirst };
  }

  it("a campaign that is alone has all that its queue allows", async () => {
    const { campaign, underWay } = made();
    const busy = campaign("busy");
    for (let i = 0; i < SLOTS; i++) await busy(300);
    await busy(1_000);
    expect(underWay()).to.deep.equal(["busy 256", "busy 44", "busy 256", "busy 44"]);
  });

  it("an item of a quiet campaign is sent at once beside a busy one with 1,000 waiting", async () => {
    const { campaign, underWay, endFirst } = made();
    const [busy, quiet] = [campaign("busy"), campaign("quiet")];
    await quiet(1);
    await endFirst();
    await busy(1_000);
    await busy(1_000);
    expect(underWay(), "half of the slots, and smaller batches").to.deep.equal(["busy 32", "busy 32"]);
    await quiet(1);
    expect(underWay()).to.deep.equal(["busy 32", "busy 32", "quiet 1"]);
  });

  it("where others hold all slots, it waits for the end of one batch, before all that busy ones still have", async () => {
    const { campaign, underWay, endFirst } = made();
    const names = ["a", "b", "c", "d", "e", "f"];
    const busy = names.map((name) => campaign(name));
    const quiet = campaign("quiet");
    for (const push of busy) await push(1_000);
    for (let i = 0; i < 20; i++) await endFirst();
    expect(underWay()).to.have.length(SLOTS);
    await quiet(1);
    expect(underWay().some((batch) => batch.startsWith("quiet"))).to.equal(false);
    await endFirst();
    expect(underWay()[SLOTS - 1], "the first that begins").to.equal("quiet 1");
  });

  it("busy campaigns get the same number of items each", async () => {
    const { campaign, batches, endFirst } = made();
    const names = ["a", "b", "c"];
    for (const name of names) await campaign(name)(5_000);
    const had: Record<string, number> = {};
    for (let i = 0; i < 90; i++) {
      const [first] = batches;
      if (first !== undefined && i >= SLOTS) had[first.name] = (had[first.name] ?? 0) + first.size;
      await endFirst();
    }
    const counts = names.map((name) => had[name] ?? 0);
    expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(2 * MOST_OF_A_QUEUE);
  });

  it("a second after the last batch of the others, a campaign is alone again", async () => {
    const { campaign, clock, underWay, batches, endFirst } = made();
    const [busy, quiet] = [campaign("busy"), campaign("quiet")];
    await quiet(1);
    await endFirst();
    clock.pass(999);
    await busy(32);
    await busy(100);
    expect(underWay()).to.deep.equal(["busy 32", "busy 32"]);
    while (batches.length > 0) await endFirst();
    clock.pass(101);
    await busy(100);
    expect(underWay()).to.deep.equal(["busy 100"]);
  });

  it("batches that hang keep their slots from nobody, neither from their own campaign", async () => {
    const { campaign, clock, underWay } = made();
    const [a, b, quiet] = [campaign("a"), campaign("b"), campaign("quiet")];
    await quiet(1);
    for (const hanging of [a, b]) await hanging(70);
    const hung = ["quiet 1", "a 32", "a 32", "b 32", "b 32"];
    expect(underWay()).to.deep.equal(hung);
    await quiet(1);
    expect(underWay()).to.deep.equal(hung);
    clock.pass(99);
    await turn();
    expect(underWay()).to.deep.equal(hung);
    clock.pass(2);
    await turn();
    expect(underWay().slice(hung.length)).to.deep.equal(["quiet 1", "a 6", "b 6"]);
  });

  it("a timer that comes a little early lets them lapse all the same", async () => {
    const { campaign, clock, underWay } = made(fakeClock({ earlyMs: 1 }));
    const [a, b, quiet] = [campaign("a"), campaign("b"), campaign("quiet")];
    await quiet(1);
    for (const hanging of [a, b]) await hanging(64);
    await quiet(1);
    clock.pass(105);
    await turn();
    expect(underWay().at(-1)).to.equal("quiet 1");
  });

  it("where a newcomer finds that a batch has lapsed, those go first that waited", async () => {
    const { campaign, clock, underWay } = made();
    const [a, b, quiet, newcomer] = ["a", "b", "quiet", "newcomer"].map((name) =>
      campaign(name),
    ) as Campaign[];
    await quiet?.(1);
    for (const hanging of [a, b]) await hanging?.(64);
    clock.pass(50);
    await quiet?.(1);
    clock.pass(50);
    await newcomer?.(1);
    expect(underWay().slice(-2)).to.deep.equal(["quiet 1", "newcomer 1"]);
  });

  it("beside one that was alone a quiet campaign does not wait for the end of a batch, however large those are", async () => {
    const { campaign, underWay } = made();
    const [busy, quiet] = [campaign("busy", 3), campaign("quiet")];
    for (let i = 0; i < 3; i++) await busy(MOST_OF_A_QUEUE);
    await quiet(1);
    expect(underWay()).to.deep.equal(["busy 256", "busy 256", "busy 256", "quiet 1"]);
  });

  it("sixty quiet campaigns do not wait for each other, however far away the store is", async () => {
    const { campaign, batches } = made();
    for (let i = 0; i < 60; i++) await campaign(`quiet ${i}`)(1);
    expect(batches).to.have.length(60);
  });

  it("what a batch costs beside its items counts for the bound and for the turn", () => {
    const slots = createFairSlots({ ...BOUNDS, clock: fakeClock(), fixedPrice: 15 });
    const taken = Array.from({ length: 20 }, () => slots.join(() => undefined).take(1));
    expect(taken.filter((slot) => slot !== undefined)).to.have.length((SLOTS * BATCH) / 16);
  });

  it("whatever comes and ends in whatever order: within the bounds, nobody waits for ever, no timer is left (property)", async () => {
    type Step = { readonly who: number; readonly end: boolean };
    const step: fc.Arbitrary<Step> = fc.record({ who: fc.nat(4), end: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const clock = fakeClock();
        const slots: FairSlots = createFairSlots({ clock, ...BOUNDS });
        const wanted = [0, 0, 0, 0, 0];
        const held: (Slot & { readonly items: number })[][] = wanted.map(() => []);
        const flush = (who: number) => {
          while ((wanted[who] ?? 0) > 0) {
            const slot = shares[who]?.take(wanted[who] ?? 0);
            if (slot === undefined) return;
            const items = Math.min(wanted[who] ?? 0, slot.most, MOST_OF_A_QUEUE);
            wanted[who] = (wanted[who] ?? 0) - items;
            held[who]?.push({ ...slot, items });
          }
        };
        const shares = wanted.map((_, who) => slots.join(() => flush(who)));
        const isShared = new Set(steps.map(({ who }) => who)).size > 1;
        for (let who = 0; isShared && who < wanted.length; who++) {
          wanted[who] = 1;
          flush(who);
          held[who]?.pop()?.end();
        }
        for (const { who, end } of steps) {
          if (end) held[who]?.shift()?.end();
          else {
            wanted[who] = (wanted[who] ?? 0) + 40;
            flush(who);
          }
          if (isShared) {
            // The last batch that begins may go beyond a bound.
            expect(itemsOf(held.flat())).to.be.below(SLOTS * BATCH + BATCH);
            for (const own of held) expect(itemsOf(own)).to.be.below((SLOTS / 2) * BATCH + BATCH);
          }
        }
        for (let left = 1_000; left > 0 && held.flat().length > 0; left--)
          held
            .find((own) => own.length > 0)
            ?.shift()
            ?.end();
        expect([...wanted, clock.waiting().length]).to.deep.equal([0, 0, 0, 0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
