import { expect } from "chai";
import type { RedemptionDoc, UseDoc } from "../../record/redemption-documents.ts";
import { type Ask, type Facts, judge, lapsed, obstacleOf } from "../../redemption/judge.ts";
import { DAY_MS, validityOf } from "../../redemption/validity.ts";
import { seededRandom } from "../support/seeded-random.ts";

const NOW_MS = 1_700_000_000_000;
const ALWAYS = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

const blank: RedemptionDoc = {
  ...{ _id: "가나다라마바0001", campaignId: "C", revision: 0, uses: [], voided: false, voidChanges: [] },
};

const reserve = (key: string, timeoutMs = 1_000): Ask => ({ verb: "reserve", key, by: "shop", timeoutMs });
const redeem = (key: string): Ask => ({ verb: "redeem", key, by: "till" });
const confirm = (key: string): Ask => ({ verb: "confirm", key });
const cancel = (key: string): Ask => ({ verb: "cancel", key, by: "shop" });
const voids = (verb: "void" | "unvoid", cancelReservations = false): Ask => ({
  ...{ verb, actor: "kim", reason: undefined, cancelReservations },
});

/** A code in memory: what is judged is also written. */
function aCode(given: Partial<Facts> = {}) {
  let facts: Facts = { redemption: blank, validity: ALWAYS, max: 1, nowMs: NOW_MS, ...given };
  return {
    get facts() {
      return facts;
    },
    pass(ms: number) {
      facts = { ...facts, nowMs: facts.nowMs + ms };
    },
    /** The state of the redemption asked about, with `+` where it was written; or the reason of a refusal. */
    ask(ask: Ask): string {
      const decision = judge(ask, facts);
      if (decision.kind === "refused") return decision.refusal.reason;
      if (decision.kind === "already") return decision.use?.state ?? "already";
      expect(decision.next.revision).to.equal(facts.redemption.revision + 1);
      expect(decision.beforeMs, "a decision that is already too late").to.be.greaterThan(facts.nowMs);
      facts = { ...facts, redemption: decision.next };
      return `+${decision.use?.state ?? "written"}`;
    },
    use: (key: string): UseDoc | undefined => facts.redemption.uses.find((one) => one.key === key),
  };
}

describe("redemption judge", () => {
  it("a reservation is for its key alone, the same again, and confirmed for good", () => {
    const code = aCode();
    expect(code.ask(reserve("a"))).to.equal("+reserved");
    expect(code.ask(reserve("a")), "a repeated call").to.equal("reserved");
    expect(code.ask(reserve("b"))).to.equal("RESERVED");
    expect(code.ask(redeem("b"))).to.equal("RESERVED");
    expect(code.ask(confirm("b"))).to.equal("NO_RESERVATION");
    expect(code.ask(confirm("a"))).to.equal("+confirmed");
    expect(code.ask(confirm("a")), "a repeated call").to.equal("confirmed");
    expect(code.ask(reserve("a")), "a late repetition of the reservation").to.equal("confirmed");
    expect(code.ask(redeem("a"))).to.equal("confirmed");
    expect(code.ask(cancel("a")), "final").to.equal("REDEEMED");
    for (const ask of [reserve("b"), redeem("b")]) expect(code.ask(ask)).to.equal("REDEEMED");
    code.pass(10 * DAY_MS);
    expect(code.ask(confirm("a"))).to.equal("confirmed");
  });

  it("a reservation that times out is free again, and its key confirms nothing any more", () => {
    const code = aCode();
    code.ask(reserve("a", 1_000));
    code.pass(999);
    expect(judge(reserve("b"), code.facts)).to.deep.equal({
      ...{ kind: "refused", refusal: { reason: "RESERVED", retryAfterMs: 1 } },
    });
    code.pass(1);
    expect(code.ask(confirm("a"))).to.equal("RESERVATION_OVER");
    expect(code.ask(reserve("a"))).to.equal("RESERVATION_OVER");
    expect(code.ask(redeem("a"))).to.equal("RESERVATION_OVER");
    expect(code.ask(cancel("a")), "it is free already").to.equal("expired");
    expect(code.ask(reserve("b"))).to.equal("+reserved");
    expect(code.use("a")).to.include({ state: "expired" });
    expect(code.use("a")?.endedAt).to.deep.equal(new Date(NOW_MS + 1_000));
    code.pass(-500);
    expect(code.ask(confirm("a")), "MongoDB's clock was set back").to.equal("RESERVATION_OVER");
  });

  it("a cancelled reservation is free at once; a cancellation that comes first reserves nothing later", () => {
    const code = aCode();
    code.ask(reserve("a"));
    expect(code.ask(cancel("a"))).to.equal("+cancelled");
    expect(code.ask(cancel("a"))).to.equal("cancelled");
    expect(code.ask(confirm("a"))).to.equal("RESERVATION_OVER");
    expect(code.ask(cancel("b")), "before its reservation").to.equal("+cancelled");
    expect(code.ask(reserve("b")), "that arrives late").to.equal("RESERVATION_OVER");
    expect(code.ask(redeem("b"))).to.equal("RESERVATION_OVER");
    expect(code.ask(redeem("c"))).to.equal("+confirmed");
  });

  it("a void code cannot be reserved; a live reservation stays unless it is cancelled with it", () => {
    const code = aCode({ max: 2 });
    code.ask(reserve("a"));
    expect(code.ask(voids("void"))).to.equal("+written");
    expect(code.ask(voids("void"))).to.equal("already");
    expect(code.ask(reserve("b"))).to.equal("VOIDED");
    expect(code.ask(redeem("b"))).to.equal("VOIDED");
    expect(code.ask(confirm("a")), "promised").to.equal("+confirmed");
    expect(code.ask(voids("unvoid"))).to.equal("+written");
    expect(code.ask(voids("unvoid"))).to.equal("already");
    expect(code.ask(reserve("b"))).to.equal("+reserved");
    expect(code.ask(voids("void", true))).to.equal("+written");
    expect(code.ask(confirm("b"))).to.equal("RESERVATION_OVER");
    expect(code.use("a")?.state, "final").to.equal("confirmed");
    expect(code.facts.redemption.voidChanges.map(({ voided, actor }) => [voided, actor])).to.deep.equal([
      [true, "kim"],
      [false, "kim"],
      [true, "kim"],
    ]);
  });

  it("within the validity alone, whose end is also the end of a reservation", () => {
    const validity = { fromMs: NOW_MS + 1_000, untilMs: NOW_MS + 5_000 };
    const code = aCode({ validity });
    expect(code.ask(reserve("a"))).to.equal("NOT_VALID_YET");
    expect(obstacleOf(code.facts)?.reason).to.equal("NOT_VALID_YET");
    code.pass(1_000);
    expect(obstacleOf(code.facts)).to.equal(undefined);
    code.pass(3_999);
    expect(code.ask(reserve("a", 60_000))).to.equal("+reserved");
    expect(code.use("a")?.until).to.deep.equal(new Date(validity.untilMs));
    code.pass(1);
    expect(code.ask(confirm("a"))).to.equal("RESERVATION_OVER");
    expect(code.ask(redeem("b"))).to.equal("VALIDITY_OVER");
    expect(obstacleOf(code.facts)?.reason).to.equal("VALIDITY_OVER");
  });

  it("the validity ends at the absolute end or so many days after the issue, whichever comes first", () => {
    const issuedAt = new Date(NOW_MS);
    expect(validityOf({}, { issuedAt })).to.deep.equal(ALWAYS);
    expect(validityOf({ validDays: 3 }, { issuedAt }).untilMs).to.equal(NOW_MS + 3 * DAY_MS);
    const validUntil = new Date(NOW_MS + DAY_MS);
    expect(validityOf({ validDays: 3, validUntil }, { issuedAt }).untilMs).to.equal(NOW_MS + DAY_MS);
    expect(validityOf({ validFrom: validUntil }, { issuedAt }).fromMs).to.equal(NOW_MS + DAY_MS);
  });

  it("a code of several redemptions has so many and no more, live reservations counted", () => {
    const code = aCode({ max: 3 });
    expect(["a", "b", "c"].map((key) => code.ask(reserve(key)))).to.deep.equal(
      Array.from({ length: 3 }, () => "+reserved"),
    );
    expect(code.ask(reserve("d"))).to.equal("RESERVED");
    expect(code.ask(confirm("a"))).to.equal("+confirmed");
    expect(code.ask(cancel("b"))).to.equal("+cancelled");
    expect(code.ask(redeem("d"))).to.equal("+confirmed");
    expect(code.ask(redeem("e"))).to.equal("RESERVED");
    expect(code.ask(confirm("c"))).to.equal("+confirmed");
    expect(code.ask(redeem("e"))).to.equal("REDEEMED");
  });

  it("keeps the last 50 that ended in vain, and all others for ever", () => {
    const code = aCode({ max: 2 });
    code.ask(redeem("first"));
    for (let i = 0; i < 200; i++) {
      code.ask(reserve(`key-${i}`));
      code.ask(cancel(`key-${i}`));
      code.pass(1);
    }
    const kept = code.facts.redemption.uses.map(({ key }) => key);
    expect(kept).to.have.lengthOf(51);
    expect(kept[0]).to.equal("first");
    expect(kept[1]).to.equal("key-150");
  });

  it("is made void at most 100 times", () => {
    const code = aCode();
    for (let i = 0; i < 100; i++)
      expect(code.ask(voids(i % 2 === 0 ? "void" : "unvoid"))).to.equal("+written");
    expect(code.ask(voids("void"))).to.equal("INVALID");
  });

  it("random asks at random times never redeem a code too often, too late or for a dead key", () => {
    const random = seededRandom(15);
    for (let run = 0; run < 100; run++) {
      const max = 1 + random(3);
      const validity = { fromMs: NOW_MS + 200, untilMs: NOW_MS + 4_000 };
      const code = aCode({ max, validity });
      const confirmedAtMs = new Map<string, number>();
      for (let step = 0; step < 60; step++) {
        const key = `k${random(6)}`;
        const asks = [reserve(key, 1 + random(900)), redeem(key), confirm(key), cancel(key)];
        const rare = [voids("void", random(2) === 0), voids("unvoid")];
        const ask = (random(10) > 0 ? asks[random(4)] : rare[random(2)]) as Ask;
        const before = code.facts;
        const old = lapsed(before).find((use) => use.key === key)?.state;
        const answer = code.ask(ask);
        const { uses, voided } = code.facts.redemption;
        const now = code.facts.nowMs;
        if (answer === "+confirmed") {
          expect(confirmedAtMs.has(key)).to.equal(false);
          confirmedAtMs.set(key, now);
          expect(now).to.be.within(validity.fromMs, validity.untilMs - 1);
          if (ask.verb === "confirm") expect(old).to.equal("reserved");
          else expect(old).to.be.oneOf([undefined, "reserved"]);
          if (old === undefined) expect(before.redemption.voided).to.equal(false);
        }
        if (answer === "+reserved") expect([old, voided]).to.deep.equal([undefined, false]);
        const confirmed = uses.filter(({ state }) => state === "confirmed");
        expect(confirmed.map((use) => use.key)).to.have.members([...confirmedAtMs.keys()]);
        const taken = uses.filter(({ state }) => state === "confirmed" || state === "reserved");
        expect(taken.length).to.be.at.most(max);
        expect(new Set(uses.map((use) => use.key)).size).to.equal(uses.length);
        code.pass(random(150));
      }
    }
  });
});
