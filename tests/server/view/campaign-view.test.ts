import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import type { Inspection } from "../../../pool/answers.ts";
import { enumName } from "../../../proto/enum-name.ts";
import { CampaignStateSchema } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { CampaignDoc } from "../../../record/documents.ts";
import { liveCampaign, viewCampaign } from "../../../server/view/campaign-view.ts";

const STARTS_AT_MS = Date.UTC(2027, 0, 1);
const ARMED_AT_MS = STARTS_AT_MS + 12;

const doc = (fields: Partial<CampaignDoc> = {}): CampaignDoc => ({
  ...{
    _id: "01KAVIEW00000000000000000A",
    name: "a view",
    total: 2,
    generated: 2,
    generation: 1,
    revision: 1,
  },
  ...{ codeFormat: "0000", startsAt: new Date(STARTS_AT_MS), createdAt: new Date(0), onePerUser: true },
  state: "SCHEDULED",
  ...fields,
});

const pool = (fields: Partial<Inspection> = {}): Inspection => ({
  ...{ status: "ok", state: "open", generation: 1, stagedCodes: 0, openCodes: 2, awayCodes: 0, claims: 0 },
  ...{ ledger: 0, total: 2, armedAtMs: ARMED_AT_MS, startsAtMs: STARTS_AT_MS, endsAtMs: 0 },
  redisNowMs: ARMED_AT_MS,
  ...fields,
});

describe("campaign as callers see it", () => {
  const view = (recorded: CampaignDoc, seen: Inspection | undefined) => {
    const { state, openedAt } = viewCampaign(liveCampaign(recorded, seen), 0);
    return [enumName(CampaignStateSchema, state), openedAt && timestampMs(openedAt)];
  };

  it("is open, and since when, as soon as its pool is, before the scheduler writes that down", () => {
    expect(view(doc(), pool())).to.deep.equal(["OPEN", ARMED_AT_MS]);
  });

  it("is ended with its pool, and was opened where the pool was", () => {
    expect(view(doc(), pool({ state: "ended" }))).to.deep.equal(["ENDED", ARMED_AT_MS]);
    expect(view(doc(), pool({ state: "ended", armedAtMs: 0 }))).to.deep.equal(["ENDED", undefined]);
  });

  it("keeps the time of the opening that is written down", () => {
    const openedAt = new Date(STARTS_AT_MS + 1);
    expect(view(doc({ state: "OPEN", openedAt }), pool())).to.deep.equal(["OPEN", openedAt.getTime()]);
  });

  it("is what its record says where that leads, and where the pool does not answer or is not to be trusted", () => {
    expect(view(doc(), pool({ state: "staged", armedAtMs: 0 }))).to.deep.equal(["SCHEDULED", undefined]);
    expect(view(doc({ state: "PAUSED" }), pool())).to.deep.equal(["PAUSED", undefined]);
    expect(view(doc({ state: "CANCELLED" }), pool())).to.deep.equal(["CANCELLED", undefined]);
    expect(view(doc(), undefined)).to.deep.equal(["SCHEDULED", undefined]);
    expect(view(doc(), pool({ status: "fenced" }))).to.deep.equal(["SCHEDULED", undefined]);
  });
});
