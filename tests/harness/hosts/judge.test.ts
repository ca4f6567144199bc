import { expect } from "chai";
import type { HistoryEntry, Outcome } from "../../../audit/history.ts";
import { NO_ANSWER, PROXY_ANSWER } from "./call-plan.ts";
import { type Judgement, judge, type RoundFacts } from "./judge.ts";

const STARTS_AT_MS = 1_800_000_000_000;
const USERS = ["alice", "bob", "carol"];
const codeOf = (claimKey: string) => `code-${claimKey}`;

const entry = (claimKey: string, outcome: Outcome, answeredAtMs = STARTS_AT_MS + 5): HistoryEntry => ({
  ...{ claimKey, invokedAtMs: answeredAtMs - 4, answeredAtMs, invokedOrder: 1, answeredOrder: 2 },
  outcome,
});
const issued = (claimKey: string, code = codeOf(claimKey)): Outcome => ({
  ...{ kind: "issued", code, seq: 1, issuedAtMs: STARTS_AT_MS + 3, replayed: false },
});
const unknown = (message: string): Outcome => ({ kind: "unknown", message });
const issuance = (claimKey: string) => ({ claimKey, code: codeOf(claimKey) });

const SOUND: RoundFacts = {
  ...{ startsAtMs: STARTS_AT_MS, total: 2, users: 3, unanswered: 0, violated: [], checks: 9, isAtRest: true },
  history: [
    entry("alice", issued("alice")),
    entry("bob", issued("bob"), STARTS_AT_MS + 40),
    entry("carol", { kind: "refused", reason: "SOLD_OUT" }, STARTS_AT_MS + 100),
  ],
  issuances: USERS.slice(0, 2).map(issuance),
  evidence: [{ what: "dropped_packets", value: 7, least: 5 }],
  recoveries: [{ who: "server-1", ms: 1_200 }],
  failsNone: true,
};

const withMore = (...more: readonly HistoryEntry[]) => ({ history: [...SOUND.history, ...more] });

/** A falsified record, and the only words that the judge says about it. */
const FALSIFIED: readonly (readonly [string, Partial<RoundFacts>, keyof Judgement, string])[] = [
  [
    "one coupon too few",
    { issuances: [issuance("alice")], history: SOUND.history.slice(0, 1) },
    "violations",
    "1 coupons were issued, not 2",
  ],
  ["one too many", { issuances: USERS.map(issuance) }, "violations", "3 coupons were issued, not 2"],
  [
    "a code of two users",
    { issuances: [issuance("alice"), { claimKey: "bob", code: codeOf("alice") }] },
    "violations",
    "1 codes were issued twice",
  ],
  [
    "a user with two codes",
    { issuances: [issuance("alice"), { claimKey: "alice", code: codeOf("bob") }] },
    "violations",
    "1 users have a second coupon",
  ],
  [
    "a coupon that is not on record",
    withMore(entry("carol", issued("carol"))),
    "violations",
    "1 answers gave a coupon that is not on record for their user",
  ],
  [
    "another's coupon",
    withMore(entry("carol", issued("carol", codeOf("bob")))),
    "violations",
    "1 answers gave a coupon that is not on record for their user",
  ],
  [
    "a coupon before the start",
    withMore(entry("alice", issued("alice"), STARTS_AT_MS - 1)),
    "violations",
    "1 coupons were given before the start",
  ],
  ["a user without an answer", { unanswered: 1 }, "violations", "1 users had no definite answer in the end"],
  ["a violated invariant", { violated: ["U5"] }, "violations", "coupon verify: U5 is violated"],
  ["no check at all", { checks: 0 }, "violations", "coupon verify checked nothing"],
  [
    "a reset connection",
    withMore(entry("carol", unknown(`${NO_ANSWER}: ECONNRESET`))),
    "troubles",
    `1 request failed: ${NO_ANSWER}: ECONNRESET`,
  ],
  [
    "an answer of haproxy",
    withMore(entry("carol", unknown(`${PROXY_ANSWER}: HTTP 503`))),
    "troubles",
    `1 request failed: ${PROXY_ANSWER}: HTTP 503`,
  ],
  [
    "a server that stays away",
    { recoveries: [{ who: "server-1", ms: undefined }] },
    "troubles",
    "server-1 did not serve again",
  ],
  [
    "no rest",
    { isAtRest: false },
    "troubles",
    "the sale did not come to rest: no SOLD_OUT, or a ledger with entries",
  ],
  [
    "a fault that was not met",
    { evidence: [{ what: "dropped_packets", value: 4, least: 5 }] },
    "missed",
    "dropped_packets=4, not 5",
  ],
];

describe("judge of the hosts", () => {
  it("passes a sound round", () => {
    expect(judge(SOUND)).to.deep.equal({
      ...{ violations: [], failed: 0, unclear: 0, troubles: [], missed: [], longestGapMs: 60 },
    });
  });

  for (const [what, change, where, words] of FALSIFIED)
    it(`finds ${what}`, () => {
      const judged = judge({ ...SOUND, ...change });
      expect(judged[where]).to.deep.include(words);
      if (where !== "violations") expect(judged.violations).to.deep.equal([]);
    });

  it("counts failed requests in every round, and takes them for wrong where nobody may notice", () => {
    const facts = { ...SOUND, ...withMore(entry("carol", unknown(`${NO_ANSWER}: timed out`))) };
    expect(judge(facts)).to.deep.include({ failed: 1, unclear: 0 });
    expect(judge({ ...facts, failsNone: false })).to.deep.include({ failed: 1, troubles: [] });
  });

  it("counts what the service says of a store out of reach apart from that", () => {
    const facts = {
      ...SOUND,
      ...withMore(
        entry("carol", unknown("UNCERTAIN")),
        entry("carol", { kind: "refused", reason: "OVERLOADED" }),
        entry("carol", { kind: "refused", reason: "NOT_STARTED" }),
      ),
    };
    expect(judge(facts)).to.deep.include({ failed: 0, unclear: 2, troubles: [] });
  });

  it("is content with as many coupons as there were users", () => {
    expect(judge({ ...SOUND, total: 9, users: 2 }).violations).to.deep.equal([]);
  });
});
