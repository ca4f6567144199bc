import { expect } from "chai";
import type { HistoryEntry } from "../../../audit/history.ts";
import { type CrowdForm, crowdForms, NAMED_KINDS } from "./crowd-form.ts";
import type { CrowdReport } from "./crowd-plan.ts";
import type { HonestResult } from "./honest-users.ts";
import { judge, PEAK_MB_MAX, type SaleFacts, type ServiceFacts } from "./judge.ts";

const STARTS_AT_MS = 1_800_000_000_000;
const USERS = ["alice", "bob", "carol"];
const codeOf = (userId: string) => `code-${userId}`;

const result = (userId: string): HonestResult => ({
  ...{ userId, code: codeOf(userId), found: codeOf(userId) },
  ...{ answeredAtMs: STARTS_AT_MS + 5, latencyMs: 4, tries: 1 },
});

const answer = (userId: string): HistoryEntry => ({
  ...{ claimKey: userId, invokedAtMs: STARTS_AT_MS + 1, answeredAtMs: STARTS_AT_MS + 5 },
  ...{ invokedOrder: 1, answeredOrder: 2 },
  outcome: { kind: "issued", code: codeOf(userId), seq: 1, issuedAtMs: STARTS_AT_MS + 3, replayed: false },
});

const issuance = (userId: string) => ({ userId, code: codeOf(userId), issuedAtMs: STARTS_AT_MS + 3 });

const CROWD: CrowdReport = {
  seconds: 2,
  kinds: { forged: { sent: 1_000, answered: 1_000, statuses: { 401: 1_000 }, cut: 0, granted: 0 } },
  taken: [["mallory", codeOf("mallory")]],
  attacks: { "rapid-reset": 3 },
};

const NAMED: CrowdForm = { name: "named", only: NAMED_KINDS, ratePerSecond: 421, answersPerSecondLeast: 400 };
const WHOLE: CrowdForm = { name: "whole", only: [], ratePerSecond: 5_000, answersPerSecondLeast: 0 };

const quiet: SaleFacts = {
  ...{
    startsAtMs: STARTS_AT_MS,
    accomplices: [],
    form: undefined,
    crowd: undefined,
    isWarmUp: false,
    changed: [],
    violated: [],
  },
  ...{ results: USERS.map(result), history: USERS.map(answer), issuances: USERS.map(issuance) },
};
const besieged: SaleFacts = {
  ...{ ...quiet, accomplices: ["mallory"], form: NAMED, crowd: CROWD },
  issuances: [...USERS, "mallory"].map(issuance),
};
const alive: ServiceFacts = { isAlive: true, peakMb: 200 };

const first = <T>(list: readonly T[], change: Partial<T>): T[] =>
  list.map((one, i) => (i === 0 ? { ...one, ...change } : one));
const answered = (change: Partial<Extract<HistoryEntry["outcome"], { kind: "issued" }>>) =>
  first(besieged.history, {
    outcome: { ...(besieged.history[0] as HistoryEntry).outcome, ...change },
  } as Partial<HistoryEntry>);

describe("judge of the siege", () => {
  it("a sale in which everybody got what is due passes", () => {
    const verdict = judge([quiet, besieged], alive, { strict: true });
    expect(verdict.faults).to.deep.equal([]);
    expect(verdict).to.include({ attacks: 1_000, honest: 6, crossed: 0, stolen: 0, early: 0, lost: 0 });
    expect(verdict.crowds).to.deep.equal([{ name: "named", answersPerSecond: 500, p99Ms: 4, p99Ratio: 1 }]);
  });

  const kinds = (change: Partial<CrowdReport["kinds"][string]>) => ({
    ...{
      ...CROWD,
      kinds: { forged: { ...(CROWD.kinds["forged"] as CrowdReport["kinds"][string]), ...change } },
    },
  });
  const breaks: readonly [what: string, fault: RegExp, sale: Partial<SaleFacts>][] = [
    ["an answer with another's coupon", /crossed: 1/, { history: answered({ code: codeOf("bob") }) }],
    [
      "a look-up that shows another's coupon",
      /crossed: 1/,
      { results: first(besieged.results, { found: codeOf("bob") }) },
    ],
    [
      "an accomplice that was answered an honest user's coupon",
      /crossed: 1/,
      { crowd: { ...CROWD, taken: [["mallory", codeOf("bob")]] } },
    ],
    ["a coupon that no issuance has", /crossed: 1/, { history: answered({ code: "nobody's" }) }],
    [
      "a coupon of a user without a token",
      /stolen: 1/,
      { issuances: [...besieged.issuances, issuance("nobody")] },
    ],
    [
      "a second coupon of a user",
      /stolen: 1/,
      { issuances: [...besieged.issuances, { ...issuance("mallory"), code: "second" }] },
    ],
    ["a forged token that was answered with 200", /stolen: 2/, { crowd: kinds({ granted: 2 }) }],
    [
      "a coupon issued before the start",
      /early: 1/,
      { issuances: first(besieged.issuances, { issuedAtMs: STARTS_AT_MS - 1 }) },
    ],
    [
      "a coupon answered before the start",
      /early: 1/,
      { history: first(besieged.history, { answeredAtMs: STARTS_AT_MS - 1 }) },
    ],
    [
      "an honest user without an answer",
      /lost: 1/,
      { results: first(besieged.results, { code: undefined }) },
    ],
    ["an honest user's coupon without an issuance", /lost: 1/, { issuances: besieged.issuances.slice(1) }],
    [
      "an honest user that cannot look its coupon up",
      /lost: 1/,
      { results: first(besieged.results, { found: undefined }) },
    ],
    ["a violated invariant", /coupon verify: U1/, { violated: ["U1"] }],
    [
      "a campaign that an attacker ended",
      /changed the campaign: its state is ENDED/,
      { changed: ["its state is ENDED"] },
    ],
    ["a crowd that was none", /fewer than 100 requests/, { crowd: kinds({ sent: 3 }) }],
    [
      "a p99 four times that without the crowd",
      /4\.0 times/,
      { results: besieged.results.map((one) => ({ ...one, latencyMs: 16 })) },
    ],
  ];
  for (const [what, fault, change] of breaks) {
    it(`finds ${what}`, () => {
      const { faults } = judge([quiet, { ...besieged, ...change }], alive, { strict: true });
      expect(faults.join("\n")).to.match(fault);
    });
  }

  it("finds a service that died, and one whose memory grew", () => {
    expect(judge([quiet, besieged], { ...alive, isAlive: false }).faults).to.deep.equal([
      "the service did not survive",
    ]);
    expect(judge([quiet, besieged], { ...alive, peakMb: PEAK_MB_MAX + 1 }).faults).to.have.length(1);
  });

  it("a strict one finds a crowd that was too slow", () => {
    const beside = (answersPerSecondLeast: number) =>
      judge([quiet, { ...besieged, form: { ...NAMED, answersPerSecondLeast } }], alive, { strict: true })
        .faults;
    expect(beside(500)).to.deep.equal([]);
    expect(beside(504)).to.deep.equal(["named: the crowd had 500 answers a second, fewer than 504"]);
  });

  it("judges each crowd by its own sales: a fast one makes up for no slow one", () => {
    const latencyMs = 13;
    const slow = {
      ...besieged,
      form: WHOLE,
      results: besieged.results.map((one) => ({ ...one, latencyMs })),
    };
    const late = ["whole: the honest p99 is 3.3 times that without the crowd, more than 3"];
    for (const sales of [
      [quiet, besieged, slow],
      [quiet, slow, besieged],
    ])
      expect(judge(sales, alive, { strict: true }).faults).to.deep.equal(late);
    const idle = { ...slow, results: besieged.results, crowd: { ...CROWD, seconds: 1_000 } };
    expect(judge([quiet, besieged, idle], alive, { strict: true }).faults).to.deep.equal([]);
  });

  it("a strict siege has the named requests at their rate, and everything at a quarter; a chosen crowd has its rate", () => {
    const ratePerSecond = 20_000;
    const atIt = { ratePerSecond, answersPerSecondLeast: 19_000 };
    const named = { name: "named", only: NAMED_KINDS, ...atIt };
    const chosen = { name: "chosen", only: ["pings"], ...atIt };
    expect(crowdForms({ strict: true, each: false, only: [], ratePerSecond })).to.deep.equal([named, WHOLE]);
    expect(crowdForms({ strict: true, each: false, only: ["pings"], ratePerSecond })).to.deep.equal([chosen]);
    expect(crowdForms({ strict: false, each: false, only: [], ratePerSecond })).to.deep.equal([
      { ...WHOLE, ratePerSecond },
    ]);
  });

  it("with each attack alone, none is forgotten, and one that was not made is no attack", () => {
    const forms = crowdForms({ strict: true, each: true, only: [], ratePerSecond: 20_000 });
    for (const name of ["rapid-reset", "unfinished-calls", "unread-pages", "many-connections", "look-ups"])
      expect(forms.map(({ only }) => only)).to.deep.include([name]);
    const form = forms.find(({ name }) => name === "rapid-reset");
    const reset = { ...besieged, form, crowd: { ...CROWD, kinds: {} } };
    expect(judge([quiet, reset], alive).faults).to.deep.equal([]);
    const idle = { ...reset, crowd: { ...reset.crowd, attacks: { pings: 3 } } };
    expect(judge([quiet, idle], alive).faults).to.deep.equal([
      "the crowd made fewer than 100 requests, or none of its attacks on connections, in a sale",
    ]);
  });

  it("counts no figure of a sale that warms up, and every fault of it", () => {
    const cold = {
      ...{ ...besieged, isWarmUp: true, issuances: [...besieged.issuances, issuance("nobody")] },
      results: besieged.results.map((one) => ({ ...one, latencyMs: 400 })),
    };
    const verdict = judge([cold, quiet, besieged], alive, { strict: true });
    expect(verdict.faults).to.deep.equal(["stolen: 1"]);
    expect(verdict.crowds).to.deep.equal([{ name: "named", answersPerSecond: 500, p99Ms: 4, p99Ratio: 1 }]);
  });

  it("judges no timing unless it is strict", () => {
    const slow = { ...besieged, results: besieged.results.map((one) => ({ ...one, latencyMs: 400 })) };
    expect(judge([quiet, slow], alive, { strict: false }).faults).to.deep.equal([]);
  });
});
