import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { decodeResponse, encodeRequest } from "../../artillery/binary.mjs";
import { isInBurst } from "../../artillery/burst.mjs";
import {
  handOver,
  isLoaded,
  takeOver,
  tellLoaded,
  tellWaiting,
  waitingIn,
} from "../../artillery/handover.mjs";
import { readOptions } from "../../artillery/options.ts";
import { paceOf } from "../../artillery/pace.ts";
import { launchPhases, usersIn } from "../../artillery/phases.ts";
import { REASONS, refusalOf } from "../../artillery/refusal.mjs";
import { isReportPath } from "../../artillery/run-artillery.ts";
import { newUser, readAnswer, takeAnswer, wantsToAsk } from "../../artillery/user.mjs";
import { conclude } from "../../artillery/verdict.ts";
import type { Verdict } from "../../audit/verdict.ts";
import { isAskedAgain, standingOf } from "../../client/policy.ts";
import {
  IssueCouponRequestSchema,
  IssueCouponResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { healthyBooks, STARTS_AT_MS } from "../support/written-books.ts";

const half = () => 0.5;

function verdict(change: Partial<Verdict>): Verdict {
  const held = { invariant: "U1", title: "one owner per code", ok: true, count: 0, checked: 4 } as const;
  return { ...held, detail: "", offenders: [], ...change };
}

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

  it("asks again after exactly the refusals after which the client library does", () => {
    for (const [reason, number] of Object.entries(RefusalReason)) {
      const standing = standingOf(reason);
      if (standing === undefined) continue;
      const user = newUser("u", half);
      takeAnswer(user, readAnswer(400, JSON.stringify(errorBody(number)), "C"), half);
      const isDefinite = !isAskedAgain(standing) && standing !== "early";
      expect(user.definite === 1, reason).to.equal(isDefinite);
    }
  });

  it("notices an answer that contradicts the one before", () => {
    const soldOut = JSON.stringify(errorBody(RefusalReason.SOLD_OUT));
    const notStarted = JSON.stringify(errorBody(RefusalReason.NOT_STARTED, 10));
    const second: [number, string][] = [
      [200, couponBody({ code: "하하하하하하0000" })],
      [200, couponBody({ seq: 6 })],
      [200, couponBody({ issuedAt: "2026-11-21T03:39:17.124Z" })],
      [400, soldOut],
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

  it("fails on a wrong book, on one that could not be judged, on artillery's thresholds, on a wrong answer and on no answer at all", () => {
    const report = { exitCode: 0, counters: {}, responseTime: { p50: 1.2, p99: 9.8 } };
    const good = { report, total: 5, issued: 5, requests: 9, reached: 3, verdicts: [verdict({})] };
    expect(conclude(good)).to.deep.equal({
      pass: true,
      line: "load: PASS issued=5/5 requests=9 rate=3 p50_ms=1 p99_ms=10 failed_users=0 wrong_answers=0",
      reasons: [],
    });
    const wrong = verdict({ ok: false, count: 1 });
    const bad: [RegExp, typeof good][] = [
      [/audit finds U1 wrong/, { ...good, verdicts: [wrong] }],
      [/could not judge U1: away/, { ...good, verdicts: [verdict({ notJudged: "away", prevented: true })] }],
      [/nothing was asked/, { ...good, requests: 0 }],
      [/exit code 1/, { ...good, report: { ...report, exitCode: 1 } }],
      [/1 answers were wrong/, { ...good, report: { ...report, counters: { "coupon.wrong_answers": 1 } } }],
    ];
    for (const [reason, ending] of bad) {
      const { pass, reasons } = conclude(ending);
      expect(pass, String(reason)).to.equal(false);
      expect(reasons.join("; ")).to.match(reason);
    }
    const both = [wrong, verdict({ invariant: "U5", ok: false, count: 2 })];
    expect(conclude({ ...good, verdicts: both }).line).to.match(/^load: FAIL .* violations=U1,U5 /);
  });

  it("fails when a burst was wanted and missed", () => {
    const ended = (inBurst: number | undefined, burst: { wanted: number; waited: number }) =>
      conclude({
        report: {
          exitCode: 0,
          counters: inBurst === undefined ? {} : { "coupon.in_burst": inBurst },
          responseTime: undefined,
        },
        ...{ total: 5, issued: 5, requests: 300, reached: 3, verdicts: [], burst },
      });
    const met = ended(230, { wanted: 200, waited: 240 });
    expect(met).to.deep.include({ pass: true, reasons: [] });
    expect(met.line).to.include(" burst=230/240 ");
    for (const [inBurst, waited, reason] of [
      [undefined, 0, "0 users waited for the instant instead of 200"],
      [199, 199, "199 users waited for the instant instead of 200"],
      [undefined, 240, "0 of the 240 users who waited for the instant asked within 3 s of it"],
      [215, 240, "215 of the 240 users who waited for the instant asked within 3 s of it"],
    ] as const) {
      const { pass, line, reasons } = ended(inBurst, { wanted: 200, waited });
      expect(pass, reason).to.equal(false);
      expect(line).to.match(/^load: FAIL /);
      expect(reasons).to.deep.equal([`there was no burst: ${reason}`]);
    }
  });

  it("counts in whoever asks at the instant or soon after it, and nobody else", () => {
    expect(
      [-1, 0, 2_999, 3_000, 3_001].map((ms) => isInBurst(STARTS_AT_MS + ms, STARTS_AT_MS)),
    ).to.deep.equal([false, true, true, true, false]);
  });

  it("hands the campaign over whole, once the users wait", async () => {
    const dir = temporaryDir();
    try {
      expect([isLoaded(dir.path), waitingIn(dir.path)]).to.deep.equal([false, 0]);
      tellLoaded(dir.path);
      for (let user = 0; user < 3; user += 1) tellWaiting(dir.path);
      expect([isLoaded(dir.path), waitingIn(dir.path)]).to.deep.equal([true, 3]);
      const taken = takeOver(dir.path);
      const campaign = { campaignId: "C", startsAtMs: STARTS_AT_MS, phasesAtMs: STARTS_AT_MS - 5_300 };
      handOver(dir.path, campaign);
      expect(await taken).to.deep.equal(campaign);
    } finally {
      dir.remove();
    }
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
