import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { decodeResponse, encodeRequest } from "../../artillery/binary.mjs";
import { readOptions } from "../../artillery/options.ts";
import { paceOf } from "../../artillery/pace.ts";
import { launchPhases, usersIn } from "../../artillery/phases.ts";
import { REASONS, refusalOf } from "../../artillery/refusal.mjs";
import { isReportPath } from "../../artillery/run-artillery.ts";
import { conclude } from "../../artillery/run-load.ts";
import { newUser, readAnswer, takeAnswer, wantsToAsk } from "../../artillery/user.mjs";
import {
  IssueCouponRequestSchema,
  IssueCouponResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { healthyBooks, STARTS_AT_MS } from "./books.ts";

const half = () => 0.5;

function errorBody(reason: RefusalReason, retryAfterMs = 0): { code: string; details: unknown[] } {
  const at = timestampFromMs(STARTS_AT_MS);
  const refusal = create(RefusalSchema, {
    reason,
    startsAt: at,
    serverTime: at,
    retryAfterMs: BigInt(retryAfterMs),
  });
  const value = base64Encode(toBinary(RefusalSchema, refusal), "std_raw");
  return { code: "failed_precondition", details: [{ type: "coupon.v1.Refusal", value }] };
}

function couponBody(change: object = {}): string {
  const coupon = { code: "가나다라마바1234", campaignId: "C", seq: 5, issuedAt: "2026-11-21T03:39:17.123Z" };
  return JSON.stringify({ coupon: { ...coupon, ...change }, replayed: true });
}

describe("artillery scenario", () => {
  it("reads every refusal of the contract", () => {
    expect(Object.entries(RefusalReason)).to.deep.equal(REASONS.map((name, number) => [name, number]));
    for (const [reason, number] of Object.entries(RefusalReason)) {
      for (const retryAfterMs of [0, 1, 127, 128, 4_000, 31_536_000_000]) {
        expect(refusalOf(errorBody(number, retryAfterMs))).to.deep.equal({ reason, retryAfterMs });
      }
    }
    expect(refusalOf({ code: "internal" })).to.equal(undefined);
    expect(refusalOf(null)).to.equal(undefined);
  });

  it("writes and reads the binary form as the contract has it", () => {
    const request = fromBinary(IssueCouponRequestSchema, encodeRequest("01CAMPAIGN", "사용자-1"));
    expect(request).to.include({ campaignId: "01CAMPAIGN", userId: "사용자-1", requestId: "" });
    for (const replayed of [false, true])
      for (const seq of [1, 127, 128, 5_000_000]) {
        const coupon = { code: "가나다라마바1234", campaignId: "C", seq };
        const issuedAt = timestampFromMs(STARTS_AT_MS + 123);
        const response = create(IssueCouponResponseSchema, { coupon: { ...coupon, issuedAt }, replayed });
        const bytes = Buffer.from(toBinary(IssueCouponResponseSchema, response));
        const told = { ...coupon, issuedAt: new Date(STARTS_AT_MS + 123).toISOString() };
        expect(decodeResponse(bytes)).to.deep.equal({ coupon: told, replayed });
        expect(() => decodeResponse(bytes.subarray(0, 20))).to.throw(/cut off/);
      }
  });

  it("takes an answer apart, and says what breaks the contract", () => {
    expect(readAnswer(200, couponBody(), "C").outcome).to.deep.equal({
      kind: "issued",
      code: "가나다라마바1234",
      seq: 5,
      issuedAtMs: Date.parse("2026-11-21T03:39:17.123Z"),
      replayed: true,
    });
    const wrong: [number, string][] = [
      [200, couponBody({ code: "가나다라마바1234".normalize("NFD") })],
      [200, couponBody({ code: "ABC123" })],
      [200, couponBody({ code: "가나다라마바12345" })],
      [200, couponBody({ campaignId: "D" })],
      [200, couponBody({ seq: 0 })],
      [200, couponBody({ issuedAt: "yesterday" })],
      [200, "{}"],
      [502, "<html>"],
      [400, JSON.stringify(errorBody(RefusalReason.UNSPECIFIED))],
    ];
    for (const [status, body] of wrong) {
      const answer = readAnswer(status, body, "C");
      expect(answer.wrong, body).to.be.a("string");
      expect(answer.outcome.kind).to.equal("unknown");
    }
    expect(readAnswer(503, '{"code":"unavailable"}', "C")).to.deep.equal({
      outcome: { kind: "unknown", message: "unavailable" },
      retryAfterMs: 0,
    });
  });

  it("asks again with the same key until the answer is definite, then a second time", () => {
    const user = newUser("u", () => 0.4);
    expect(user.asksTwice).to.equal(true);
    const early = readAnswer(400, JSON.stringify(errorBody(RefusalReason.NOT_STARTED, 700)), "C");
    expect(takeAnswer(user, early, half)).to.equal(undefined);
    expect(user.waitMs).to.be.within(700, 3_700);
    const unclear = readAnswer(503, JSON.stringify(errorBody(RefusalReason.UNCERTAIN, 100)), "C");
    expect(takeAnswer(user, unclear, half)).to.equal(undefined);
    expect(user.definite).to.equal(0);
    takeAnswer(user, readAnswer(200, couponBody(), "C"), half);
    expect(wantsToAsk(user)).to.equal(true);
    expect(takeAnswer(user, readAnswer(200, couponBody(), "C"), half)).to.equal(undefined);
    expect(wantsToAsk(user)).to.equal(false);
  });

  it("notices an answer that contradicts the one before", () => {
    const soldOut = JSON.stringify(errorBody(RefusalReason.SOLD_OUT));
    const notStarted = JSON.stringify(errorBody(RefusalReason.NOT_STARTED, 10));
    const second: [number, string][] = [
      [200, couponBody({ code: "하하하하하하0000" })],
      [200, couponBody({ seq: 6 })],
      [200, couponBody({ issuedAt: "2026-11-21T03:39:17.124Z" })],
      [429, soldOut],
      [400, notStarted],
    ];
    for (const [status, body] of second) {
      const user = newUser("u", () => 0.4);
      takeAnswer(user, readAnswer(200, couponBody(), "C"), half);
      expect(takeAnswer(user, readAnswer(status, body, "C"), half), body).to.be.a("string");
    }
  });

  it("gives up after a bounded number of tries", () => {
    const user = newUser("u", half);
    let asks = 0;
    for (; wantsToAsk(user); asks += 1)
      takeAnswer(user, { outcome: { kind: "unknown", message: "reset" }, retryAfterMs: 0 }, half);
    expect(asks).to.equal(20);
    expect(user.waitMs).to.be.at.most(1_500);
  });

  it("reads its flags, and names one that is wrong", () => {
    expect(readOptions([])).to.include({ burst: false, codec: "json", own: false });
    const short = ["--own", "--burst", "--codec", "binary"];
    expect(readOptions(short)).to.include({ burst: true, codec: "binary", own: true });
    expect(() => readOptions(["--codec", "xml"])).to.throw("--codec must be json or binary");
    expect(() => readOptions(["--brust"])).to.throw("--brust");
  });

  it("plans phases that bring about the rate that was asked for", () => {
    const phases = launchPhases(1_000, 20);
    expect(phases.reduce((sum, phase) => sum + phase.duration, 0)).to.equal(20);
    expect(usersIn(phases)).to.be.within(8_000, 9_500);
    expect(launchPhases(1, 13).every((phase) => phase.arrivalRate >= 1)).to.equal(true);
  });

  it("says how fast the load really was", () => {
    const { history } = healthyBooks({ total: 10, issued: 10 });
    expect(paceOf(history, STARTS_AT_MS, 1)).to.deep.equal({
      reached: 23,
      bestSecond: 23,
      perSecond: [1, 23],
    });
    expect(paceOf([], STARTS_AT_MS, 1)).to.deep.equal({ reached: 0, bestSecond: 0, perSecond: [] });
  });

  it("fails on a violation, on artillery's thresholds, on a wrong answer and on no answer at all", () => {
    const report = { exitCode: 0, counters: {}, responseTime: { p50: 1.2, p99: 9.8 } };
    const good = { report, total: 5, issued: 5, requests: 9, reached: 3, violations: [] };
    expect(conclude(good)).to.deep.equal({
      pass: true,
      line: "load: PASS issued=5/5 requests=9 rate=3 p50_ms=1 p99_ms=10 failed_users=0 wrong_answers=0",
    });
    const bad = [
      { ...good, violations: ["U1"] },
      { ...good, requests: 0 },
      { ...good, report: { ...report, exitCode: 1 } },
      { ...good, report: { ...report, counters: { "coupon.wrong_answers": 1 } } },
    ];
    for (const ending of bad) expect(conclude(ending)).to.include({ pass: false });
    expect(conclude({ ...good, violations: ["U1", "U5"] }).line).to.match(/^load: FAIL .* violations=U1,U5 /);
  });
});

describe("artillery's own words", () => {
  it("are shown, but for the path of a report that is removed afterwards", () => {
    expect(isReportPath("Log file: /tmp/coupon-load-x/report.json")).to.equal(true);
    expect(isReportPath("\u001b[36mLog file: /tmp/coupon-load-x/report.json\u001b[39m")).to.equal(true);
    for (const shown of ["Summary report @ 03:39:17(+0000)", "vusers.failed: .... 0", ""]) {
      expect(isReportPath(shown)).to.equal(false);
    }
  });
});
