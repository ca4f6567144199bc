import { expect } from "chai";
import { readingOf } from "../../campaign/campaign-reading.ts";
import type { Inspection } from "../../pool/answers.ts";
import type { CampaignDoc } from "../../record/documents.ts";

const START_MS = 1_800_000_000_000;

describe("a campaign as the metrics tell it", () => {
  const campaign = {
    ...{ _id: "A", state: "SCHEDULED", startsAt: new Date(START_MS), total: 10 },
  } as CampaignDoc;
  const staged: Inspection = {
    ...{ status: "ok", generation: 1, state: "staged", total: 10, armedAtMs: 0 },
    ...{ stagedCodes: 10, openCodes: 0, awayCodes: 0, claims: 0, ledger: 0 },
    ...{ startsAtMs: START_MS, endsAtMs: 0, redisNowMs: START_MS },
  };
  const isReady = (given: Partial<Inspection>, nowMs = START_MS - 1_000) =>
    readingOf(campaign, { ...staged, ...given }, nowMs).isReady;

  it("has what nobody has yet, wherever the codes lie; without a pool it is unknown", () => {
    const seen = { ...staged, stagedCodes: 1, openCodes: 2, awayCodes: 4, claims: 3 };
    expect(readingOf(campaign, seen, START_MS)).to.include({
      campaignId: "A",
      state: "scheduled",
      remaining: 7,
    });
    for (const status of ["none", "fenced"] as const)
      expect(readingOf(campaign, { ...seen, status }, START_MS)).to.include({
        remaining: undefined,
        isReady: false,
      });
    expect(readingOf(campaign, undefined, START_MS)).to.include({ remaining: undefined, isReady: false });
  });

  it("is ready where all codes are there and the start has not passed it by", () => {
    expect(isReady({})).to.equal(true);
    expect(isReady({ status: "frozen" })).to.equal(true);
    expect(isReady({ stagedCodes: 9 })).to.equal(false);
    expect(isReady({ stagedCodes: 9, claims: 1 })).to.equal(true);
    expect(isReady({}, START_MS + 2_000)).to.equal(true);
    expect(isReady({}, START_MS + 2_001)).to.equal(false);
    expect(isReady({ state: "open", openCodes: 10, stagedCodes: 0 }, START_MS + 60_000)).to.equal(true);
    expect(isReady({ state: "paused", awayCodes: 10, stagedCodes: 0 }, START_MS + 60_000)).to.equal(true);
  });
});
