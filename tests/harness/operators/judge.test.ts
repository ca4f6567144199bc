import { expect } from "chai";
import type { HistoryEntry, Outcome } from "../../../audit/history.ts";
import type { Issuance } from "../../../audit/snapshot.ts";
import { allowedIn, LIFE_CYCLE, PHASES, VERBS } from "../../../campaign/life-cycle.ts";
import type { Call, CallAnswer, Wish } from "./call.ts";
import { judgeAnswers } from "./judge-answers.ts";
import { countAskedMeanwhile, judgeEffects } from "./judge-effects.ts";
import { type Change, judgeHistory, type Settings } from "./judge-history.ts";

const SCHEDULED: Settings = {
  ...{ state: "SCHEDULED", name: "a", total: 10, adding: 0 },
  ...{ startsAtMs: 1_000, endsAtMs: undefined },
};
const OPENED_AT_MS = 1_000;

/** Created, open at 1,000, paused at 2,000, resumed at 3,000; coupons asked for at 4,000, added at 4,500. */
function healthy() {
  const changes: Change[] = [];
  const calls: Call[] = [];
  let last: Settings | undefined;
  const change = (atMs: number, actor: string, verb: string, after: Partial<Settings>) => {
    const revision = changes.length;
    const settings = { ...(last ?? SCHEDULED), ...after };
    changes.push({ revision, atMs, actor, verb, requestId: "", before: last, after: settings });
    last = settings;
  };
  const asked = (atMs: number, wish: Wish, answer: CallAnswer, requestId = `request-${atMs}`) => {
    const invoked = { atMs: atMs - 5, order: atMs - 5 };
    const answered = { atMs: atMs + 5, order: atMs + 5 };
    calls.push({ wish, answer, requestId, actor: "kim", dryRun: false, server: 0, invoked, answered });
  };
  const changed = (atMs: number, wish: Wish, after: Partial<Settings>) => {
    change(atMs, "kim", wish.verb.replace(/-.*/, ""), after);
    Object.assign(changes.at(-1) as object, { requestId: `request-${atMs}` });
    asked(atMs, wish, { kind: "changed", state: (last as Settings).state });
  };
  change(500, "lee", "create", { state: "GENERATING" });
  change(600, "generator", "schedule", { state: "SCHEDULED" });
  change(OPENED_AT_MS + 100, "scheduler", "open", { state: "OPEN" });
  Object.assign(changes.at(-1) as object, { happenedAtMs: OPENED_AT_MS });
  changed(2_000, { verb: "pause" }, { state: "PAUSED" });
  asked(2_100, { verb: "pause" }, { kind: "already", state: "PAUSED" });
  asked(2_200, { verb: "reschedule", startsAtMs: 9_000 }, refusal("PAUSED", allowedIn("PAUSED")));
  changed(3_000, { verb: "resume" }, { state: "OPEN" });
  changed(4_000, { verb: "add", count: 5 }, { adding: 5 });
  asked(4_100, { verb: "add", count: 5 }, { ...refusal(undefined, []), reason: "NOT_READY" });
  change(4_500, "generator", "added", { adding: 0, total: 15 });
  changed(4_600, { verb: "edit-name", name: "b" }, { name: "b" });
  changed(4_700, { verb: "edit-end", endsAtMs: 9_000 }, { endsAtMs: 9_000 });
  return { changes, calls, asked };
}
type Healthy = ReturnType<typeof healthy>;

function refusal(state: Settings["state"] | undefined, allowed: readonly string[]) {
  return { kind: "refused", reason: "NOT_ALLOWED", state, allowed, message: "no" } as const;
}

const at = <T>(list: readonly T[], index: number) => list.at(index) as { -readonly [K in keyof T]: T[K] };

describe("the judge of operators", () => {
  const judged = ({ changes, calls }: Healthy) => [
    ...judgeHistory(changes, OPENED_AT_MS),
    ...judgeAnswers(calls, changes, OPENED_AT_MS),
  ];

  it("finds nothing where nothing is wrong", () => {
    expect(judged(healthy())).to.deep.equal([]);
  });

  const wrongs: Record<string, (life: Healthy) => unknown> = {
    "a gap in the revisions": ({ changes }) => changes.splice(2, 1),
    "a change that began with something else": ({ changes }) => {
      at(changes, 4).before = { ...at(changes, 3).after, name: "other" };
    },
    "a change dated before the one before": ({ changes }) => Object.assign(at(changes, 4), { atMs: 900 }),
    "a change that the table refuses": ({ changes }) => Object.assign(at(changes, 3), { verb: "resume" }),
    "an opening that is skipped": ({ changes }) => {
      const [opening] = changes.splice(2, 1);
      for (const change of changes.slice(2)) Object.assign(change, { revision: change.revision - 1 });
      at(changes, 2).before = (opening as Change).before;
    },
    "an opening at another instant": ({ changes }) => Object.assign(at(changes, 2), { happenedAtMs: 999 }),
    "an opening without its instant": ({ changes }) =>
      Object.assign(at(changes, 2), { happenedAtMs: undefined }),
    "a step before it came about": ({ changes }) => Object.assign(at(changes, 6), { happenedAtMs: 9_000 }),
    "a campaign that sold out before it opened": ({ changes }) => {
      const { after } = at(changes, 1);
      const soldOut = { ...after, state: "SOLD_OUT" as const };
      changes.splice(2, changes.length, {
        ...{ revision: 2, atMs: 2_000, actor: "scheduler", verb: "sell-out", requestId: "" },
        ...{ before: after, after: soldOut },
      });
    },
    "a change that led elsewhere": ({ changes }) => {
      at(changes, 3).after = { ...at(changes, 3).after, state: "CANCELLED" };
    },
    "an addition that counts something else": ({ changes }) => {
      at(changes, 6).after = { ...at(changes, 6).after, total: 16 };
    },
    "an end that leaves coupons being added": ({ changes }) => {
      const before = { ...at(changes, -1).after, adding: 3 };
      at(changes, -1).after = before;
      const end = { atMs: 9_000, actor: "scheduler", verb: "end", requestId: "" };
      changes.push({ ...end, revision: changes.length, before, after: { ...before, state: "ENDED" } });
    },
    "an answer without its entry": ({ calls }) => Object.assign(at(calls, 0), { requestId: "other" }),
    "an entry without its answer": ({ calls }) => calls.shift(),
    "an answer that tells another state": ({ calls }) => {
      at(calls, 0).answer = { kind: "changed", state: "OPEN" };
    },
    "already, and it was not": ({ asked }) =>
      asked(1_500, { verb: "pause" }, { kind: "already", state: "OPEN" }),
    "already, and the settings were others": ({ asked }) =>
      asked(4_650, { verb: "edit-name", name: "c" }, { kind: "already", state: "OPEN" }),
    "a refusal of what is allowed": ({ asked }) =>
      asked(1_500, { verb: "pause" }, refusal("OPEN", allowedIn("OPEN"))),
    "a refusal that names a state of before": ({ asked }) =>
      asked(3_100, { verb: "reschedule", startsAtMs: 9_000 }, refusal("PAUSED", allowedIn("PAUSED"))),
    "a refusal that names the wrong ways out": ({ asked }) =>
      asked(2_300, { verb: "reschedule", startsAtMs: 9_000 }, refusal("PAUSED", ["cancel"])),
    "a refusal of an end that is right": ({ asked }) =>
      asked(4_800, { verb: "edit-end", endsAtMs: 8_000 }, { ...refusal(undefined, []), reason: "INVALID" }),
    "nothing was being added": ({ asked }) =>
      asked(3_500, { verb: "add", count: 1 }, { ...refusal(undefined, []), reason: "NOT_READY" }),
    "no definite answer": ({ asked }) => asked(4_800, { verb: "end" }, { kind: "unknown", message: "gone" }),
    "the same request twice": ({ changes }) => Object.assign(at(changes, 4), { requestId: "request-2000" }),
  };
  for (const [what, plant] of Object.entries(wrongs)) {
    it(`finds ${what}`, () => {
      const life = healthy();
      plant(life);
      expect(judged(life)).not.to.deep.equal([]);
    });
  }

  it("an end that passed before the opening explains that nothing is added, and one that did not does not", () => {
    const after: Settings = { ...SCHEDULED, state: "PAUSED", endsAtMs: 5_000 };
    const paused: Change[] = [
      { ...{ revision: 0, atMs: 500, actor: "lee", verb: "pause", requestId: "" }, before: undefined, after },
    ];
    const told = (atMs: number, allowed: readonly string[]) => {
      const life = healthy();
      life.calls.length = 0;
      life.asked(atMs, { verb: "add", count: 1 }, refusal("PAUSED", allowed));
      return judgeAnswers(life.calls, paused, undefined);
    };
    const others = allowedIn("PAUSED_BEFORE_OPENING").filter((command) => command !== "add");
    expect(told(5_100, others)).to.deep.equal([]);
    expect(told(4_900, others)).to.have.length(1);
    expect(told(5_100, ["cancel"])).to.have.length(1);
  });

  it("explains every cell of the table, and no other answer to it", () => {
    for (const phase of PHASES) {
      for (const verb of VERBS) {
        const step = LIFE_CYCLE[phase][verb];
        const { calls, changes, opened } = lifeIn(phase, verb, step);
        expect(judgeAnswers(calls("right"), changes, opened), `${verb} in ${phase}`).to.deep.equal([]);
        expect(judgeAnswers(calls("wrong"), changes, opened), `not ${verb} in ${phase}`).not.to.deep.equal(
          [],
        );
      }
    }
  });

  describe("effects", () => {
    const NOBODY: Issuance[] = [];
    const issued = (issuedAtMs: number, claimKey = "u"): Issuance => ({
      ...{ code: "x", claimKey, generation: 1, seq: issuedAtMs, issuedAtMs },
    });
    const ask = (atMs: number, outcome: Outcome, claimKey = "u"): HistoryEntry => ({
      ...{ claimKey, outcome, invokedAtMs: atMs, answeredAtMs: atMs + 1 },
      ...{ invokedOrder: atMs, answeredOrder: atMs + 1 },
    });
    const coupon: Outcome = { kind: "issued", code: "x", seq: 1, issuedAtMs: 0, replayed: false };
    const refused = (reason: string): Outcome => ({ kind: "refused", reason });
    const faults = (asked: HistoryEntry[], issuances: Issuance[]) =>
      judgeEffects({ ...healthy(), asked, issuances });

    it("before, after, and for who had one already: nothing is wrong", () => {
      const asked = [
        ask(1_500, coupon),
        ask(2_500, coupon),
        ask(2_600, refused("PAUSED"), "v"),
        ask(3_100, coupon, "v"),
      ];
      const issuances = [issued(1_500), issued(2_000, "w"), issued(3_000, "v")];
      expect(faults(asked, issuances)).to.deep.equal([]);
      expect(countAskedMeanwhile({ ...healthy(), asked, issuances })).to.equal(2);
    });

    it("finds a coupon issued while it was paused, whoever was told of it", () => {
      expect(faults([], [issued(2_001)])).to.have.length(1);
      expect(faults([], [issued(2_999)])).to.have.length(1);
      expect(faults([ask(2_500, coupon)], NOBODY)).to.have.length(1);
    });

    it("finds a server that has not heard of it a second later, and a winner who is sent away", () => {
      const later = [3_900, 4_100].map((atMs) => ask(atMs, refused("SOLD_OUT")));
      const life = healthy();
      life.changes.splice(4);
      const soldOut = judgeEffects({ ...life, asked: later, issuances: NOBODY });
      expect(soldOut).to.have.length(2);
      expect(
        judgeEffects({ ...life, asked: [ask(2_500, refused("SOLD_OUT"))], issuances: NOBODY }),
      ).to.deep.equal([]);
      expect(faults([ask(2_500, refused("PAUSED"))], [issued(1_500)])).to.have.length(1);
    });

    it("finds that all are said to be gone long after coupons were added, unless they are", () => {
      const late = [ask(8_600, refused("SOLD_OUT"))];
      expect(faults(late, NOBODY)).to.have.length(1);
      expect(faults([ask(8_400, refused("SOLD_OUT"))], NOBODY)).to.deep.equal([]);
      const all = Array.from({ length: 15 }, (_, i) => issued(4_600 + i, `w${i}`));
      expect(faults(late, all)).to.deep.equal([]);
    });
  });
});

/**
 * A campaign that has long been in the phase, and one call with the answer of the table or with another
 * answer.
 */
function lifeIn(phase: (typeof PHASES)[number], verb: (typeof VERBS)[number], step: string) {
  const opened = ["OPEN", "PAUSED", "SOLD_OUT", "ENDED"].includes(phase) ? 100 : undefined;
  const state = phase === "PAUSED_BEFORE_OPENING" ? "PAUSED" : phase;
  const after = { ...SCHEDULED, state };
  const changes: Change[] = [
    { revision: 0, atMs: 50, actor: "", verb: "create", requestId: "", before: undefined, after },
  ];
  const wish: Wish =
    verb === "add"
      ? { verb, count: 1 }
      : verb === "reschedule"
        ? { verb, startsAtMs: 9_000 }
        : verb === "edit-name"
          ? { verb, name: "z" }
          : verb === "edit-end"
            ? { verb, endsAtMs: 99_000 }
            : { verb };
  const [yes, no, already] = [
    { kind: "changed", state } as const,
    refusal(state, allowedIn(phase)),
    { kind: "already", state } as const,
  ];
  const right = step === "refused" ? no : step === "already" ? already : yes;
  const wrong = step === "refused" ? yes : step === "already" ? yes : no;
  const moment = (atMs: number) => ({ atMs, order: atMs });
  const calls = (which: "right" | "wrong"): Call[] => [
    {
      ...{ wish, requestId: "r", actor: "kim", dryRun: true, server: 0 },
      ...{ invoked: moment(1_000), answered: moment(1_010), answer: which === "right" ? right : wrong },
    },
  ];
  return { calls, changes, opened };
}
