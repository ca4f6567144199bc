import { expect } from "chai";
import type { HistoryDoc, HistoryVerb, RecordedState } from "../../../record/documents.ts";
import type { PreflightDoc } from "../../../record/preflight-documents.ts";
import { eventsBetween } from "../../../server/watch/events.ts";
import type { Sight } from "../../../server/watch/sight.ts";
import { NOW_MS, seenProcess } from "../../support/preflight-facts.ts";

const START_MS = NOW_MS + 600_000;

function sight(given: Partial<Sight> = {}): Sight {
  return {
    ...{ atMs: NOW_MS, mongodb: true, state: "SCHEDULED", recorded: undefined, startsAtMs: START_MS },
    pool: { status: "ok", generation: 1 },
    processes: [seenProcess(1)],
    ...{ preflights: [], changes: [] },
    ...given,
  };
}

const said = (before: Sight | undefined, now: Sight): string[] =>
  eventsBetween(before, now).map(({ level, kind, text }) => `${level} ${kind}: ${text}`);
/** The events from an ordinary snapshot to this one. */
const then = (now: Partial<Sight>, before: Partial<Sight> = {}): string[] => said(sight(before), sight(now));

describe("watch events", () => {
  it("nothing happened, nothing is said, also at the first sight", () => {
    expect(then({})).to.deep.equal([]);
    expect(said(undefined, sight())).to.deep.equal([]);
  });

  describe("states", () => {
    const recorded = "OPEN" as const;

    it("every one that the history has, in its order and with its instant, however many came between two looks", () => {
      const changes = [
        entry(4, "sell-out", "OPEN", "SOLD_OUT", { atMs: NOW_MS - 40 }),
        entry(5, "added", "SOLD_OUT", "OPEN", { atMs: NOW_MS - 30 }),
        entry(6, "sell-out", "OPEN", "SOLD_OUT", { atMs: NOW_MS - 20 }),
        entry(7, "end", "SOLD_OUT", "ENDED", { atMs: NOW_MS - 10, happenedMs: NOW_MS - 5_000 }),
      ];
      const events = eventsBetween(
        sight({ recorded }),
        sight({ state: "ENDED", recorded: "ENDED", changes }),
      );
      const states = events.filter(({ kind }) => kind === "state");
      expect(states.map(({ text, atMs, revision }) => [text, atMs - NOW_MS, revision])).to.deep.equal([
        ["OPEN → SOLD_OUT", -40, 4],
        ["SOLD_OUT → OPEN", -30, 5],
        ["OPEN → SOLD_OUT", -20, 6],
        ["SOLD_OUT → ENDED", -5_000, 7],
      ]);
      expect(states[0]?.states).to.deep.equal({ from: "OPEN", to: "SOLD_OUT" });
    });

    it("what stops a sale is a warning; the pool alone, which the record follows, is no change of state", () => {
      const to = (state: "PAUSED" | "CANCELLED") =>
        then({ recorded: state, changes: [entry(4, "edit", "OPEN", state)] }, { recorded }).at(-1);
      expect(to("PAUSED")).to.equal("warning state: OPEN → PAUSED");
      expect(to("CANCELLED")).to.equal("warning state: OPEN → CANCELLED");
      expect(then({ state: "OPEN", recorded: "SCHEDULED" }, { recorded: "SCHEDULED" })).to.deep.equal([]);
    });

    it("also before the first sight; without an entry, as an earlier version left it, what was seen", () => {
      const changes = [entry(2, "open", "SCHEDULED", "OPEN")];
      expect(said(undefined, sight({ recorded, changes }))).to.deep.equal(["info state: SCHEDULED → OPEN"]);
      expect(said(undefined, sight({ recorded }))).to.deep.equal([]);
      expect(then({ recorded }, { recorded: "SCHEDULED" })).to.deep.equal(["info state: SCHEDULED → OPEN"]);
      const later = [entry(3, "sell-out", "OPEN", "SOLD_OUT")];
      expect(then({ recorded: "ENDED", changes: later }, { recorded: "SCHEDULED" })).to.deep.equal([
        "info state: SCHEDULED → OPEN",
        "info state: OPEN → SOLD_OUT",
        "info state: SOLD_OUT → ENDED",
      ]);
    });
  });

  it("a start that has passed without an opening, once, also at the first sight", () => {
    const late = { atMs: START_MS + 2_001 };
    expect(then({ atMs: START_MS + 2_000 })).to.deep.equal([]);
    expect(then(late)).to.deep.equal([
      "alarm state: the start has passed and it is not open: it opens with its first claim at the latest",
    ]);
    expect(then(late, late)).to.deep.equal([]);
    expect(said(undefined, sight({ ...late, state: "GENERATING" }))).to.deep.equal([
      "alarm state: the start has passed and it is not open: its codes are still being made",
    ]);
    expect(then({ ...late, state: "OPEN" }, { state: "OPEN" })).to.deep.equal([]);
    // The start was moved to later: it is in time again, and can be late again.
    expect(then({ ...late, startsAtMs: START_MS + 60_000 }, late)).to.deep.equal([]);
  });

  it("stores that go away and come back", () => {
    expect(then({ pool: undefined })).to.deep.equal([
      "alarm redis: Redis does not answer: nothing is issued",
    ]);
    expect(said(undefined, sight({ pool: undefined }))).to.have.length(1);
    expect(then({ pool: undefined }, { pool: undefined })).to.deep.equal([]);
    expect(then({}, { pool: undefined })).to.deep.equal(["info redis: Redis answers again"]);
    expect(then({ mongodb: false })).to.deep.equal([
      "alarm mongodb: MongoDB does not answer: what is shown is of before, and nothing is issued",
    ]);
    expect(then({ mongodb: false }, { mongodb: false })).to.deep.equal([]);
    expect(then({}, { mongodb: false })).to.deep.equal(["info mongodb: MongoDB answers again"]);
  });

  it("a pool that is lost and made again; not one that an operator's change touched", () => {
    expect(then({ pool: { status: "fenced", generation: 1 } })).to.deep.equal([
      "alarm pool: the scripts refuse the pool (fenced): it is rebuilt",
    ]);
    const next = { pool: { status: "ok", generation: 2 } };
    expect(then(next)).to.deep.equal(["warning pool: the pool was made again or changed: generation 1 → 2"]);
    expect(then({ ...next, changes: [change("pause")] }).join()).not.to.include("pool was made");
    expect(then(next, { changes: [change("pause")] })).to.deep.equal([]);
    // The first load is no event.
    expect(then(next, { pool: { status: "ok", generation: 0 } })).to.deep.equal([]);
  });

  it("processes that join, leave, fall silent and send heartbeats again", () => {
    const [one, two] = [seenProcess(1), seenProcess(2, { roles: ["scheduler"] })];
    const silent = { ...two, ageMs: 5_000, tickAgeMs: 5_400 };
    expect(then({ processes: [one, two] })).to.deep.equal(["info process: a/2 (scheduler) has joined"]);
    expect(then({}, { processes: [one, two] })).to.deep.equal(["warning process: a/2 (scheduler) has left"]);
    expect(then({ processes: [one, silent] }, { processes: [one, two] })).to.deep.equal([
      "alarm process: a/2 (scheduler) is silent",
    ]);
    expect(then({ processes: [one, silent] }, { processes: [one, silent] })).to.deep.equal([]);
    expect(said(undefined, sight({ processes: [one, silent] }))).to.have.length(1);
    expect(then({ processes: [one, two] }, { processes: [one, silent] })).to.deep.equal([
      "info process: a/2 (scheduler) sends heartbeats again",
    ]);
    // A silent process leaves the list after a minute: that is no departure.
    expect(then({}, { processes: [one, silent] })).to.deep.equal([]);
    expect(then({ processes: undefined })).to.deep.equal([]);
  });

  it("where even the one that looks is silent, it is MongoDB that takes no word, and nobody is called silent", () => {
    const all = [seenProcess(1, { ageMs: 9_000 }), seenProcess(2, { ageMs: 9_100 })];
    expect(then({ processes: all }, { processes: [seenProcess(1), seenProcess(2)] })).to.deep.equal([]);
  });

  it("a scheduler that is late, as of when it was last heard of, and alarms that became more", () => {
    const late = seenProcess(1, { tickAgeMs: 5_300 });
    expect(then({ processes: [late] })).to.deep.equal(["warning scheduler: the scheduler of a/1 is late"]);
    expect(then({ processes: [late] }, { processes: [late] })).to.deep.equal([]);
    expect(then({ processes: [seenProcess(1, { ageMs: 4_000, tickAgeMs: 5_300 })] })).to.deep.equal([]);
    const alarmed = (count: number) => [seenProcess(1, { alarms: { stale_pool: count } })];
    expect(then({ processes: alarmed(3) }, { processes: alarmed(1) })).to.deep.equal([
      "alarm alarm: stale_pool on a/1: 2 more, 3 in all",
    ]);
    expect(said(undefined, sight({ processes: alarmed(3) }))).to.deep.equal([]);
  });

  it("preflights, once each when they are finished, oldest first", () => {
    const made = (beforeMs: number, given: Partial<PreflightDoc> = {}): PreflightDoc => ({
      ...{ _id: `c/${beforeMs}`, campaignId: "c", startsAt: new Date(START_MS), beforeMs, revision: 0 },
      at: new Date(START_MS - beforeMs + 400),
      ...given,
    });
    const red = { check: "pool", colour: "red", finding: "", advice: "" };
    const preflights = [
      made(10_000, { colour: "red", lines: [red, { ...red, check: "servers", colour: "amber" }] }),
      made(60_000, { colour: "green", lines: [] }),
    ];
    const says = [
      "info preflight: preflight 59.6 s before the start: all green",
      "alarm preflight: preflight 9.6 s before the start: red pool, amber servers",
    ];
    expect(said(undefined, sight({ preflights }))).to.deep.equal(says);
    expect(then({ preflights }, { preflights: [made(10_000)] })).to.deep.equal(says);
    expect(then({ preflights }, { preflights })).to.deep.equal([]);
    expect(then({ preflights: [made(10_000)] })).to.deep.equal([]);
  });

  it("what operators did, with who did it and when; not what the service does by itself", () => {
    const told: [change: HistoryDoc, says: string][] = [
      [change("pause"), "warning change: mina@ops paused it: no coupon is issued"],
      [change("resume"), "info change: mina@ops resumed it"],
      [change("end"), "warning change: mina@ops ended it"],
      [change("cancel", {}, ""), "warning change: somebody cancelled it"],
      [
        change("reschedule", { startsAt: new Date(START_MS + 1) }),
        "info change: mina@ops rescheduled it: opens 2026-12-24T11:00:00.001Z",
      ],
      [
        change("reschedule", { endsAt: new Date(START_MS + 60_000) }),
        "info change: mina@ops rescheduled it: opens 2026-12-24T11:00:00Z, ends 2026-12-24T11:01:00Z",
      ],
      [change("add", { adding: 1_500 }), "info change: mina@ops added 1,500 coupons"],
      [
        change("added", { total: 2_500 }, "generator"),
        "info change: the codes of the added coupons are made: 2,500 coupons in all",
      ],
      [change("edit", { name: "겨울" }), "info change: mina@ops edited it: name 겨울"],
      [
        change("edit", { endsAt: new Date(START_MS + 60_000) }),
        "info change: mina@ops edited it: ends 2026-12-24T11:01:00Z",
      ],
    ];
    for (const [one, says] of told) expect(then({ changes: [one] })).to.deep.equal([says]);
    for (const verb of ["create", "schedule", "open", "sell-out"] as const)
      expect(then({ changes: [change(verb)] })).to.deep.equal([]);
    expect(then({ changes: [change("end", {}, "scheduler")] })).to.deep.equal([]);
    expect(eventsBetween(sight(), sight({ changes: [change("pause")] }))[0]?.atMs).to.equal(NOW_MS - 50);
  });

  it("all of it in the order in which it happened", () => {
    const changes = [change("pause", { state: "PAUSED" })];
    const [first, second] = eventsBetween(sight(), sight({ state: "PAUSED", recorded: "PAUSED", changes }));
    expect([first?.kind, second?.kind]).to.deep.equal(["change", "state"]);
  });
});

/** A change of state, by default 50 ms before now. */
function entry(
  revision: number,
  verb: HistoryVerb,
  from: RecordedState,
  to: RecordedState,
  { atMs = NOW_MS - 50, happenedMs }: { atMs?: number; happenedMs?: number } = {},
): HistoryDoc {
  const actor = verb === "added" ? "generator" : "scheduler";
  const plain = change(verb, { state: to }, actor);
  return {
    ...plain,
    ...{ _id: `c/${revision}`, revision, at: new Date(atMs), before: { ...plain.after, state: from } },
    ...(happenedMs === undefined ? {} : { happenedAt: new Date(happenedMs) }),
  };
}

function change(verb: HistoryVerb, after: Partial<HistoryDoc["after"]> = {}, actor = "mina@ops"): HistoryDoc {
  const settings = { state: "SCHEDULED", name: "c", total: 1_000, startsAt: new Date(START_MS) } as const;
  return {
    ...{ _id: "c/1", campaignId: "c", revision: 1, at: new Date(NOW_MS - 50), actor, verb },
    ...{ before: settings, after: { ...settings, ...after } },
  };
}
