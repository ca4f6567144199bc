import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { judge } from "../../../campaign/preflight/judge.ts";
import { enumName } from "../../../proto/enum-name.ts";
import { PreflightColour } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalReason, RefusalReasonSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { CheckVerdict, type VerifyCheck, VerifyCheckSchema } from "../../../proto/gen/coupon/v1/verify_pb.ts";
import { WatchedProcessSchema } from "../../../proto/gen/coupon/v1/watch_pb.ts";
import { createWords, type Language } from "../../../web/console/i18n/words.ts";
import { withInstants } from "../../../web/console/views/instants-in-text.ts";
import { outcomeKey, outcomeKind } from "../../../web/console/views/live/outcomes.ts";
import { inOrderOfTrouble, isMixed, nameOf, roleKey } from "../../../web/console/views/live/processes.ts";
import { checkKey, colourOf, inOrderOfColour } from "../../../web/console/views/preflight/colours.ts";
import { durationText, msText } from "../../../web/console/views/texts.ts";
import { findingsOf, RESULTS, resultOf, verdictOf } from "../../../web/console/views/verify/verdict.ts";
import { allGreen } from "../../support/preflight-facts.ts";

const LANGUAGES: readonly Language[] = ["en", "ko"];
/** A value that only a later version of the contract has. */
const LATER = 99;

describe("console: words of the views", () => {
  it("has a text for every refusal among the answers, in both languages", () => {
    const reasons = Object.values(RefusalReason).filter((reason) => typeof reason === "number");
    // No claim is answered with one about sinks.
    const other: readonly RefusalReason[] = [
      RefusalReason.UNSPECIFIED,
      RefusalReason.UNKNOWN_SINK,
      RefusalReason.SINK_EXISTS,
      RefusalReason.TOO_MANY_SINKS,
      RefusalReason.NOT_VALID_YET,
      RefusalReason.VALIDITY_OVER,
      RefusalReason.VOIDED,
      RefusalReason.RESERVED,
      RefusalReason.REDEEMED,
      RefusalReason.NO_RESERVATION,
      RefusalReason.RESERVATION_OVER,
    ];
    const ofClaims = reasons.filter((one) => !other.includes(one));
    for (const reason of ofClaims) {
      const outcome = enumName(RefusalReasonSchema, reason).toLowerCase();
      const key = outcomeKey(outcome);
      expect(key, outcome).to.not.equal(undefined);
      if (key !== undefined)
        for (const language of LANGUAGES) expect(createWords(language).t(key)).to.not.equal("");
    }
    expect(outcomeKey("issued")).to.equal("outcome.issued");
    expect(outcomeKey("of_a_newer_service")).to.equal(undefined);
    expect(["issued", "replayed", "sold_out", "uncertain", "overloaded"].map(outcomeKind)).to.deep.equal([
      ...["good", "good", "refused", "trouble", "trouble"],
    ]);
  });

  it("has a title for every preflight check of the service", () => {
    const checks = judge(allGreen).map(({ check }) => check);
    expect(checks.length).to.be.above(15);
    for (const check of checks) {
      const key = checkKey(check);
      expect(key, check).to.not.equal(undefined);
      if (key !== undefined)
        for (const language of LANGUAGES)
          expect(createWords(language).t(key)).to.be.a("string").and.not.equal("");
    }
    expect(checkKey("of-a-newer-service")).to.equal(undefined);
  });

  it("takes a colour of a newer service as red, and shows the worst first", () => {
    const { GREEN, AMBER, RED } = PreflightColour;
    expect([GREEN, AMBER, RED, LATER as PreflightColour].map(colourOf)).to.deep.equal([
      ...["green", "amber", "red", "red"],
    ]);
    const lines = [GREEN, AMBER, RED, GREEN].map((colour, place) => ({ colour, place }));
    expect(inOrderOfColour(lines).map(({ place }) => place)).to.deep.equal([2, 1, 0, 3]);
  });

  it("shows processes in trouble first, by their machine, number and worker", () => {
    const one = (pid: number, silentMs: number, more = {}) =>
      create(WatchedProcessSchema, {
        ...{ id: `${pid}`, host: "h", pid, silentMs: BigInt(silentMs), version: "1" },
        ...{ clockOffsetMs: 0, clockUncertaintyMs: 1, ...more },
      });
    const shown = inOrderOfTrouble([one(1, 100), one(2, 9_000), one(3, 100, { worker: 2, version: "2" })]);
    expect(shown.map(nameOf)).to.deep.equal(["h/2", "h/1", "h/3#2"]);
    expect(isMixed(shown)).to.equal(true);
    expect(isMixed([one(1, 0), one(2, 0)])).to.equal(false);
    expect(
      ["server", "scheduler", "generator", "events", "other"].map(roleKey).map((key) => key !== undefined),
    ).to.deep.equal([true, true, true, true, false]);
  });

  it("writes times in units, in both languages", () => {
    const [en, ko] = LANGUAGES.map(createWords) as [
      ReturnType<typeof createWords>,
      ReturnType<typeof createWords>,
    ];
    expect([1.26, 34, 1_234].map((ms) => msText(ms, en))).to.deep.equal(["1.3 ms", "34 ms", "1,234 ms"]);
    const durations = [0, 950, 1_500, 59_999, 90_000, 3_600_000, 100_000_000, -250];
    expect(durations.map((ms) => durationText(ms, en))).to.deep.equal([
      ...["0 ms", "950 ms", "1.5 s", "1 min", "1 min 30 s", "1 h", "1 d 3 h", "-250 ms"],
    ]);
    expect(durationText(90_000, ko)).to.equal("1분 30초");
  });

  it("adds the viewer's clock to the service's instants", () => {
    const text = "opens 2026-12-24T11:00:00.000Z, not 2026-99-24T11:00:00Z";
    expect(withInstants(text, (epochMs) => new Date(epochMs).toUTCString())).to.equal(
      "opens 2026-12-24T11:00:00.000Z (Thu, 24 Dec 2026 11:00:00 GMT), not 2026-99-24T11:00:00Z",
    );
  });
});

describe("console: verdict of a verification", () => {
  const { HOLDS, VIOLATED, NOT_JUDGED } = CheckVerdict;
  const check = (invariant: string, verdict: CheckVerdict, prevented = false): VerifyCheck =>
    create(VerifyCheckSchema, { invariant, title: `${invariant} ${verdict}`, verdict, prevented });

  it("has a result, with a text, for every verdict", () => {
    const checks = [
      check("U1", HOLDS),
      check("U1", VIOLATED),
      check("U1", NOT_JUDGED),
      check("U1", NOT_JUDGED, true),
    ];
    expect([...checks, check("U1", LATER as CheckVerdict)].map(resultOf)).to.deep.equal([
      ...["holds", "violated", "notJudged", "prevented", "unknown"],
    ]);
    for (const result of RESULTS)
      for (const language of LANGUAGES)
        expect(createWords(language).t(`verify.result.${result}`))
          .to.be.a("string")
          .and.not.equal("");
  });

  it("is green only where nothing is wrong and nothing was prevented", () => {
    expect(verdictOf([check("U1", HOLDS), check("U3", NOT_JUDGED)])).to.equal("green");
    expect(verdictOf([check("U1", HOLDS), check("U3", NOT_JUDGED, true)])).to.equal("unjudged");
    expect(verdictOf([check("U1", NOT_JUDGED, true), check("U3", VIOLATED)])).to.equal("violated");
    expect(verdictOf([check("U1", LATER as CheckVerdict)])).to.equal("unjudged");
    expect(verdictOf([])).to.equal("unjudged");
  });

  it("has one finding for each guarantee, with the worst of its checks", () => {
    const findings = findingsOf([check("U1", HOLDS), check("U3", NOT_JUDGED), check("U1", VIOLATED)]);
    expect(findings.map(({ invariant, result, checks }) => [invariant, result, checks.length])).to.deep.equal(
      [
        ["U1", "violated", 2],
        ["U3", "notJudged", 1],
      ],
    );
  });
});
