import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import fc from "fast-check";
import type { HistoryEntry } from "../../audit/history.ts";
import type { Answer } from "../../callers/answer.ts";
import { answerOf } from "../../callers/http-client.ts";
import { runOpenLoop } from "../../callers/open-loop.ts";
import { percentilesOf } from "../../callers/percentiles.ts";
import { createPresser } from "../../callers/press.ts";
import { seededRandom, shuffle } from "../../callers/random.ts";
import { createSlots } from "../../callers/slots.ts";
import { IssueCouponResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { gate } from "../support/open-sale.ts";
import { STARTS_AT_MS } from "../support/written-books.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("open-loop load", () => {
  it("starts arrivals by the clock and never waits for answers", async () => {
    const begin = performance.now() + 20;
    const dueMs = Array.from({ length: 50 }, (_, k) => begin + k);
    const started: number[] = [];
    const { passed: answers, open: answerAll } = gate();
    const result = await runOpenLoop({
      dueMs,
      inFlightMax: 1_000,
      endsAtMs: begin + 5_000,
      async launch(index, due) {
        expect(performance.now()).to.be.at.least(due);
        started.push(index);
        // The answers come only after the last arrival has started: a loop that waited for one would wait for
        // ever.
        if (started.length === dueMs.length) answerAll();
        await answers;
      },
    });
    expect(started).to.deep.equal(dueMs.map((_, index) => index));
    // All had started before the first answer came: the loop did not wait for answers.
    expect(result).to.include({ launched: 50, finished: 50, heldBack: 0 });
    expect(result.mostInFlight).to.be.greaterThan(1);
  });

  it("catches up after a late wake-up: everything that is due starts at once", async () => {
    const begin = performance.now() - 500;
    const result = await runOpenLoop({
      dueMs: Array.from({ length: 100 }, (_, k) => begin + k),
      inFlightMax: 1_000,
      endsAtMs: begin + 10_000,
      launch: turn as () => Promise<void>,
    });
    expect(result).to.include({ launched: 100, finished: 100, mostInFlight: 100 });
    expect(result.worstLagMs).to.be.at.least(400);
  });

  it("holds arrivals back over the bound, in order, and still starts all of them", async () => {
    const now = performance.now();
    const started: number[] = [];
    const result = await runOpenLoop({
      dueMs: new Array<number>(20).fill(now),
      inFlightMax: 3,
      endsAtMs: now + 5_000,
      async launch(index) {
        started.push(index);
        await turn();
      },
    });
    expect(started).to.deep.equal([...Array(20).keys()]);
    expect(result).to.include({ finished: 20, mostInFlight: 3, heldBack: 17 });
  });

  it("ends at its deadline and when it is told to, whatever is under way", async () => {
    const never = () => new Promise<void>(() => {});
    const now = performance.now();
    const late = await runOpenLoop({ dueMs: [now], inFlightMax: 1, endsAtMs: now + 30, launch: never });
    expect(late).to.include({ launched: 1, finished: 0 });
    const controller = new AbortController();
    const { signal } = controller;
    const running = runOpenLoop({
      dueMs: [now],
      inFlightMax: 1,
      endsAtMs: now + 60_000,
      launch: never,
      signal,
    });
    controller.abort();
    expect(await running).to.include({ finished: 0 });
    expect(
      await runOpenLoop({ dueMs: [], inFlightMax: 1, endsAtMs: now + 60_000, launch: never }),
    ).to.include({
      launched: 0,
    });
  });
});

describe("a press", () => {
  const refused = (reason: string): Answer => ({ outcome: { kind: "refused", reason }, retryAfterMs: 0 });
  const lost: Answer = { outcome: { kind: "unknown", message: "reset" }, retryAfterMs: 0 };
  const coupon: Answer = {
    outcome: { kind: "issued", code: "가0", seq: 1, issuedAtMs: 1, replayed: true },
    retryAfterMs: 0,
  };

  function presserOf(answers: Answer[], patienceMs = 60_000) {
    const entries: HistoryEntry[] = [];
    const keys: string[] = [];
    const press = createPresser({
      ask: async (_campaignId, userId) => {
        keys.push(userId);
        return answers.shift() ?? lost;
      },
      triesInFlightMax: 1,
      campaignId: "C",
      tryTimeoutMs: 1_000,
      patienceMs,
      random: () => 0,
      record: (entry) => entries.push(entry),
    });
    return { press, entries, keys };
  }

  it("asks again with the same key until the answer is definite, each try on record", async () => {
    const passing = [refused("OVERLOADED"), refused("RATE_LIMITED")];
    const { press, entries, keys } = presserOf([lost, ...passing, coupon]);
    const result = await press("user-1");
    expect(result.outcome).to.equal(coupon.outcome);
    expect(result.tries).to.equal(4);
    expect(keys).to.deep.equal(Array(4).fill("user-1"));
    const kinds = entries.map((entry) => entry.outcome.kind);
    expect(kinds).to.deep.equal(["unknown", "refused", "refused", "issued"]);
  });

  it("takes a definite refusal for an answer", async () => {
    for (const reason of ["SOLD_OUT", "NOT_STARTED", "ENDED", "UNKNOWN_CAMPAIGN"]) {
      expect((await presserOf([refused(reason)]).press("user-1")).tries).to.equal(1);
    }
  });

  it("gives up when its patience is over", async () => {
    const { outcome, tries } = await presserOf([], 120).press("user-1");
    expect(outcome).to.equal(lost.outcome);
    expect(tries).to.be.within(2, 6);
  });

  it("takes no more than its places, and gives them in order", async () => {
    const slots = createSlots(2);
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      [...Array(10).keys()].map(async (n) => {
        await slots.take();
        inside += 1;
        expect(inside).to.be.at.most(2);
        order.push(n);
        await turn();
        inside -= 1;
        slots.give();
      }),
    );
    expect(order).to.deep.equal([...Array(10).keys()]);
  });
});

describe("an answer over plain HTTP", () => {
  it("is read as the Connect client would read it", () => {
    const issuedAt = timestampFromMs(STARTS_AT_MS + 7);
    const coupon = { code: "가나다라마바1234", campaignId: "C", seq: 5, issuedAt };
    const body = toJsonString(
      IssueCouponResponseSchema,
      create(IssueCouponResponseSchema, { coupon, replayed: false }),
    );
    expect(answerOf(200, body, "C").outcome).to.deep.equal({
      kind: "issued",
      code: coupon.code,
      seq: 5,
      issuedAtMs: STARTS_AT_MS + 7,
      replayed: false,
    });
    expect(answerOf(200, body, "D").outcome.kind).to.equal("unknown");
  });

  it("tells a refusal, an uncertain one, and nonsense apart", () => {
    const bodyOf = (reason: RefusalReason) => {
      const refusal = toBinary(RefusalSchema, create(RefusalSchema, { reason, retryAfterMs: 100n }));
      const details = [{ type: RefusalSchema.typeName, value: base64Encode(refusal, "std_raw") }];
      return JSON.stringify({ code: "unavailable", details });
    };
    expect(answerOf(400, bodyOf(RefusalReason.SOLD_OUT), "C")).to.deep.equal({
      outcome: { kind: "refused", reason: "SOLD_OUT" },
      retryAfterMs: 100,
    });
    expect(answerOf(503, bodyOf(RefusalReason.UNCERTAIN), "C").outcome).to.deep.equal({
      kind: "unknown",
      message: "UNCERTAIN",
    });
    for (const body of ["", "<html>", "null", "{}", '{"code":"internal"}']) {
      expect(answerOf(500, body, "C").outcome.kind, body).to.equal("unknown");
      expect(answerOf(200, body, "C").outcome.kind, body).to.equal("unknown");
    }
  });
});

describe("measuring", () => {
  it("gives exact percentiles by nearest rank", () => {
    const hundred = percentilesOf(
      shuffle(
        [...Array(100).keys()].map((n) => n + 1),
        seededRandom(1),
      ),
    );
    expect([1, 50, 99, 99.5, 100].map((percent) => hundred.at(percent))).to.deep.equal([1, 50, 99, 100, 100]);
    expect(percentilesOf([7]).at(50)).to.equal(7);
    expect(percentilesOf([]).at(50)).to.be.NaN;
    expect(() => hundred.at(0)).to.throw(RangeError);
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { minLength: 1 }),
        fc.integer({ min: 1, max: 100 }),
        (list, p) => {
          const value = percentilesOf(list).at(p);
          const share = list.filter((item) => item <= value).length / list.length;
          expect(share).to.be.at.least(p / 100);
        },
      ),
    );
  });
});
