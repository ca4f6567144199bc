import { expect } from "chai";
import type { CampaignDoc, HistoryDoc } from "../../../record/documents.ts";
import type { SeenProcess } from "../../../record/processes.ts";
import { DeadlineExceeded } from "../../../runtime/deadline.ts";
import type { Look } from "../../../server/view/live-view.ts";
import { createOnlooker, type OnlookerDeps } from "../../../server/watch/onlooker.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { seenProcess } from "../../support/preflight-facts.ts";

const campaign = {
  ...{ _id: "c", name: "c", total: 1_000, state: "OPEN", generation: 1, generated: 1_000, codeFormat: "가0" },
  ...{ startsAt: new Date(0), createdAt: new Date(0), onePerUser: true },
} as CampaignDoc;
const away = (): never => {
  throw new DeadlineExceeded("looking");
};

describe("onlooker", () => {
  function looking(afterRevision?: number) {
    const clock = fakeClock();
    const now: {
      look: () => Look | null;
      processes: SeenProcess[] | undefined;
      counts: number;
      /** The least revision of each request. */
      asked: (number | undefined)[];
      entries: HistoryDoc[];
    } = {
      look: () => shown(0),
      processes: [seenProcess(1)],
      counts: 0,
      asked: [],
      entries: [],
    };
    const deps: OnlookerDeps = {
      liveView: {
        async look(_id, leastRevision) {
          now.asked.push(leastRevision);
          return now.look();
        },
      },
      processLook: async () => now.processes,
      preflightLook: async () => [],
      async issuedLook() {
        now.counts++;
        return 77;
      },
      history: {
        list: async (_id, _before, limit) => now.entries.slice(0, limit),
        listAfter: async (_id, after, limit) =>
          now.entries
            .filter(({ revision }) => revision > after)
            .toReversed()
            .slice(0, limit),
      },
      clock,
      afterRevision,
    };
    const look = createOnlooker("c", deps);
    /** Sets a history of `count` entries, newest first; the oldest is the creation. */
    const entries = (count: number): void => {
      now.look = () => ({ campaign: { ...campaign, revision: count - 1 }, pool: pool(0) });
      now.entries = Array.from({ length: count }, (_, i) => {
        const revision = count - 1 - i;
        const verb = revision === 0 ? "create" : "resume";
        return {
          revision,
          verb,
          actor: "mina",
          at: new Date(revision),
          after: { state: "OPEN" },
        } as HistoryDoc;
      });
    };
    /** Pauses and resumes the campaign in turn, so that it has `count` changes. */
    const turns = (count: number): void => {
      now.entries = Array.from({ length: count + 1 }, (_, i) => {
        const revision = count - i;
        const [from, to] = revision % 2 === 1 ? ["OPEN", "PAUSED"] : ["PAUSED", "OPEN"];
        const verb = revision === 0 ? "create" : to === "PAUSED" ? "pause" : "resume";
        const before = revision === 0 ? undefined : { state: from };
        return { revision, verb, actor: "mina", at: new Date(revision), before, after: { state: to } };
      }) as HistoryDoc[];
      const state = count % 2 === 1 ? "PAUSED" : "OPEN";
      now.look = () => ({ campaign: { ...campaign, state, revision: count }, pool: pool(0) });
    };
    return { clock, now, look, entries, turns, message: async () => (await look())?.message };
  }
  const pool = (claims: number) =>
    ({
      ...{ status: "ok", state: "open", generation: 1, armedAtMs: 1, claims, ledger: 2 },
      ...{ stagedCodes: 0, openCodes: 1_000 - claims, awayCodes: 0 },
    }) as unknown as Look["pool"];
  const shown = (claims: number): Look => ({ campaign, pool: pool(claims) });
  const texts = (message: { readonly events: readonly { readonly text: string }[] } | undefined) =>
    message?.events.map(({ text }) => text);

  it("counts what is durable, and makes the rate of the time that really went by", async () => {
    const { clock, now, message } = looking();
    now.look = () => shown(102);
    expect(await message()).to.deep.include({ issuedPerSecond: 0, ledgerDepth: 2, remaining: 898 });
    clock.pass(2_000);
    now.look = () => shown(502);
    const second = await message();
    expect(second).to.include({ issuedPerSecond: 200 });
    expect(second?.campaign?.issued).to.equal(500);
  });

  it("looks anew at first: a change that its caller has just made is in it; then no further back than what it told", async () => {
    const { now, entries, message } = looking();
    entries(3);
    await message();
    await message();
    expect(now.asked).to.deep.equal([Number.POSITIVE_INFINITY, 2]);
  });

  it("lives through a MongoDB that goes away: says so, shows what was before, and makes no rate of the gap", async () => {
    const { clock, now, message } = looking();
    now.look = () => shown(102);
    await message();
    now.look = away;
    now.processes = undefined;
    clock.pass(4_000);
    const lost = await message();
    expect(texts(lost)).to.deep.equal([
      "MongoDB does not answer: what is shown is of before, and nothing is issued",
    ]);
    expect(lost?.campaign?.issued).to.equal(100);
    expect([lost?.traffic, lost?.processes]).to.deep.equal([undefined, []]);
    now.look = () => shown(602);
    now.processes = [seenProcess(1)];
    clock.pass(1_000);
    const back = await message();
    expect(texts(back)).to.deep.equal(["MongoDB answers again"]);
    expect(back?.issuedPerSecond).to.equal(100);
    expect(back?.processes).to.have.length(1);
  });

  it("tells the last twenty changes at the first look, and where the ones before are", async () => {
    const { entries, message } = looking();
    entries(20);
    expect(texts(await message()))
      .to.have.length(19)
      .and.to.include("mina resumed it");
    for (const [kept, told] of [
      [21, ["changes before: coupon history c", ...Array(20).fill("mina resumed it")]],
      [60, ["changes before: coupon history c", ...Array(20).fill("mina resumed it")]],
    ] as const) {
      const another = looking();
      another.entries(kept);
      expect(texts(await another.message())).to.deep.equal(told);
      expect(texts(await another.message())).to.deep.equal([]);
    }
  });

  const states = (
    message: { readonly events: readonly { readonly kind: string; readonly text: string }[] } | null,
  ) => message?.events.filter(({ kind }) => kind === "state").map(({ text }) => text) ?? [];
  const byTurns = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) =>
      (from + i) % 2 === 1 ? "OPEN → PAUSED" : "PAUSED → OPEN",
    );

  it("tells every state that came between two looks, once and in order, however many", async () => {
    const { turns, look } = looking();
    turns(1);
    await look();
    turns(9);
    const seen = await look();
    expect(states(seen?.message ?? null)).to.deep.equal(byTurns(2, 9));
    expect(seen?.message.revision).to.equal(9);
    expect(states((await look())?.message ?? null)).to.deep.equal([]);
    // More changes than one message can hold: the next message is due at once.
    turns(179);
    const all: string[] = [];
    const behind: boolean[] = [];
    do {
      const one = await look();
      all.push(...states(one?.message ?? null));
      behind.push(one?.isBehind === true);
    } while (behind.at(-1));
    expect(all).to.deep.equal(byTurns(10, 179));
    expect(behind).to.deep.equal([true, true, true, false]);
  });

  it("goes on after the revision that was told to it, with another server too", async () => {
    for (const after of [0, 3, 7]) {
      const { turns, message } = looking(after);
      turns(7);
      expect(states((await message()) ?? null)).to.deep.equal(byTurns(after + 1, 7));
    }
    // This server has not read the last changes yet.
    const { turns, message } = looking(7);
    turns(5);
    expect(states((await message()) ?? null)).to.deep.equal([]);
    turns(8);
    expect(states((await message()) ?? null)).to.deep.equal(byTurns(8, 8));
  });

  it("a campaign that was read before its last changes were made takes no state back, and none is told again", async () => {
    for (const first of [0, 1]) {
      const { now, turns, look } = looking();
      const seen: string[] = [];
      const told = async () => seen.push(...states((await look())?.message ?? null));
      turns(first);
      if (first > 0) await told();
      turns(2);
      const outdated = now.look;
      turns(5);
      const current = now.look;
      now.look = outdated;
      await told();
      now.look = current;
      await told();
      expect(seen).to.deep.equal(byTurns(1, 5));
    }
  });

  it("is not over before every change is told, however many there are", async () => {
    const { now, turns, look } = looking(0);
    turns(120);
    now.entries = [entryTo("ENDED", 121), ...now.entries];
    now.look = () => ({ campaign: { ...campaign, state: "ENDED", revision: 121 }, pool: pool(0) });
    const told: string[] = [];
    const over: boolean[] = [];
    do {
      const message = (await look())?.message;
      told.push(...states(message ?? null));
      over.push(message?.isOver === true);
    } while (over.length < 3);
    expect(over).to.deep.equal([false, false, true]);
    expect(told).to.deep.equal([...byTurns(1, 120), "OPEN → ENDED"]);
  });

  it("is of one view: no change is told that its campaign does not have, and no end that was left again is over", async () => {
    for (const after of [undefined, 0, 5, 6]) {
      const { now, look } = looking(after);
      const soldOut = change(5, "sell-out", "OPEN", "SOLD_OUT");
      const reopened = change(6, "added", "SOLD_OUT", "OPEN");
      now.entries = [reopened, soldOut];
      now.look = () => ({ campaign: { ...campaign, state: "SOLD_OUT", revision: 5 }, pool: pool(0) });
      const first = (await look())?.message;
      expect(states(first ?? null).at(-1), `after ${after}`).to.not.equal("SOLD_OUT → OPEN");
      // The campaign is over for onlookers whose last revision is the sell-out.
      expect([first?.revision, first?.isOver]).to.deep.equal(after === 6 ? [6, false] : [5, true]);
      now.look = () => ({ campaign: { ...campaign, revision: 6 }, pool: pool(0) });
      const second = (await look())?.message;
      expect([second?.revision, second?.isOver, second?.campaign?.revision]).to.deep.equal([6, false, 6]);
      expect(states(second ?? null)).to.deep.equal(after === 6 ? [] : ["SOLD_OUT → OPEN"]);
    }
  });

  it("a history that cannot be read holds changes back, and the last message too, until it can", async () => {
    const { clock, turns, now } = looking();
    let isAway = false;
    const history = {
      list: async () => (isAway ? away() : now.entries.slice(0, 20)),
      listAfter: async (_: string, after: number) =>
        isAway ? away() : now.entries.filter(({ revision }) => revision > after).toReversed(),
    };
    const look = createOnlooker("c", {
      ...{ liveView: { look: async () => now.look() }, processLook: async () => [seenProcess(1)] },
      ...{ preflightLook: async () => [], issuedLook: async () => 0, history, clock },
    });
    turns(2);
    await look();
    isAway = true;
    const ended = entryTo("ENDED", 3);
    now.entries = [ended, ...now.entries];
    now.look = () => ({ campaign: { ...campaign, state: "ENDED", revision: 3 }, pool: pool(0) });
    const held = await look();
    expect([held?.message.isOver, held?.message.revision, states(held?.message ?? null)]).to.deep.equal([
      false,
      2,
      [],
    ]);
    isAway = false;
    const told = await look();
    expect([told?.message.isOver, told?.message.revision, states(told?.message ?? null)]).to.deep.equal([
      true,
      3,
      ["OPEN → ENDED"],
    ]);
  });

  it("a MongoDB that is away at the first look, and a bug at any, is an error", async () => {
    const { now, look } = looking();
    now.look = away;
    expect(await look().catch((error: unknown) => error)).to.be.instanceOf(DeadlineExceeded);
    now.look = () => shown(0);
    await look();
    now.look = () => {
      throw new TypeError("a bug");
    };
    expect(await look().catch((error: unknown) => error)).to.be.instanceOf(TypeError);
    now.look = () => null;
    expect(await look()).to.equal(null);
  });

  it("counts in MongoDB where the pool cannot tell, and knows a sold-out campaign without counting", async () => {
    const { now, message } = looking();
    now.look = () => ({ campaign, pool: undefined });
    const blind = await message();
    expect([blind?.campaign?.issued, blind?.remaining, now.counts]).to.deep.equal([77, 923, 1]);
    expect(texts(blind)).to.deep.equal(["Redis does not answer: nothing is issued"]);
    now.look = () => ({ campaign: { ...campaign, state: "SOLD_OUT" }, pool: undefined });
    const gone = await message();
    expect([gone?.campaign?.issued, now.counts]).to.deep.equal([1_000, 1]);
  });

  it("a process that falls silent while MongoDB took no word was not lost", async () => {
    const { now, message } = looking();
    await message();
    now.processes = [seenProcess(1, { ageMs: 20_000 })];
    expect(texts(await message())).to.deep.equal([]);
    now.processes = [seenProcess(1)];
    expect(texts(await message())).to.deep.equal([]);
  });
});

function change(revision: number, verb: string, from: string, to: string): HistoryDoc {
  const states = { before: { state: from }, after: { state: to } };
  return { revision, verb, actor: "scheduler", at: new Date(revision), ...states } as unknown as HistoryDoc;
}

function entryTo(state: "ENDED", revision: number): HistoryDoc {
  const verb = "end";
  return {
    ...{ revision, verb, actor: "mina", at: new Date(revision) },
    ...{ before: { state: "OPEN" }, after: { state } },
  } as HistoryDoc;
}
