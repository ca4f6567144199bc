import { expect } from "chai";
import type { HistoryEntry } from "../../../audit/history.ts";
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

const quiet: SaleFacts = {
  ...{ startsAtMs: STARTS_AT_MS, accomplices: [], crowd: undefined, changed: [], violated: [] },
  ...{ results: USERS.map(result), history: USERS.map(answer), issuances: USERS.map(issuance) },
};
const besieged: SaleFacts = {
  ...{ ...quiet, accomplices: ["mallory"], crowd: CROWD },
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
    expect(verdict.p99Ratio).to.equal(1);
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
    ["a crowd that was none", /that was no attack/, { crowd: kinds({ sent: 3 }) }],
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
    const plan = { strict: true, ratePerSecond: 520 };
    expect(judge([quiet, besieged], alive, plan)).to.deep.include({ faults: [], crowdRate: 500 });
    expect(judge([quiet, besieged], alive, { ...plan, ratePerSecond: 530 }).faults).to.deep.equal([
      "the crowd had 500 answers a second, fewer than 504",
    ]);
  });

  it("judges no timing unless it is strict", () => {
    const slow = { ...besieged, results: besieged.results.map((one) => ({ ...one, latencyMs: 400 })) };
    expect(judge([quiet, slow], alive, { strict: false, ratePerSecond: 20_000 }).faults).to.deep.equal([]);
  });
});
