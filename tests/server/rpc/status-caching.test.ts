import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { CampaignState, ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { GetCampaignStatusResponseSchema } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import {
  cacheControlOf,
  cacheControlOfRefusal,
  etagOf,
  NEAR_MS,
} from "../../../server/rpc/status-caching.ts";

const KEPT = "public, max-age=0, s-maxage=1";
const STARTS_MS = 1_800_000_000_000;
const ENDS_MS = STARTS_MS + 3_600_000;

type State = keyof typeof CampaignState;

function statusAt(
  ms: number,
  state: State,
  more: MessageInitShape<typeof GetCampaignStatusResponseSchema> = {},
) {
  return create(GetCampaignStatusResponseSchema, {
    ...{ state: CampaignState[state], startsAt: timestampFromMs(STARTS_MS), serverTime: timestampFromMs(ms) },
    ...more,
  });
}

const withEnd = { endsAt: timestampFromMs(ENDS_MS) };

describe("How an answer of GetCampaignStatus to GET may be kept", () => {
  const cases: readonly [what: string, status: ReturnType<typeof statusAt>, kept: boolean][] = [
    ["far from the start", statusAt(STARTS_MS - 3_600_000, "SCHEDULED"), true],
    ["as near as a cache may be late", statusAt(STARTS_MS - NEAR_MS, "SCHEDULED"), true],
    ["nearer", statusAt(STARTS_MS - NEAR_MS + 1, "SCHEDULED"), false],
    ["the last millisecond", statusAt(STARTS_MS - 1, "SCHEDULED"), false],
    ["past the start, and not open yet", statusAt(STARTS_MS, "SCHEDULED"), false],
    ["past the start, while its codes are made", statusAt(STARTS_MS + 60_000, "GENERATING"), false],
    ["paused over its start", statusAt(STARTS_MS - 1_000, "PAUSED"), false],
    ["open", statusAt(STARTS_MS, "OPEN"), true],
    ["paused", statusAt(STARTS_MS + 1_000, "PAUSED"), true],
    ["sold out", statusAt(STARTS_MS + 1_000, "SOLD_OUT", { soldOut: true }), true],
    ["open, far from its end", statusAt(ENDS_MS - NEAR_MS, "OPEN", withEnd), true],
    ["open, near its end", statusAt(ENDS_MS - NEAR_MS + 1, "OPEN", withEnd), false],
    ["past its end, and not recorded yet", statusAt(ENDS_MS + 1_000, "OPEN", withEnd), false],
    ["ended", statusAt(ENDS_MS + 1_000, "ENDED", withEnd), true],
    ["cancelled before its start", statusAt(STARTS_MS - 1_000, "CANCELLED"), true],
  ];

  for (const [what, status, kept] of cases) {
    it(`${what}: ${kept ? "for a second" : "not at all"}`, () => {
      expect(cacheControlOf(status)).to.equal(kept ? KEPT : "no-store");
    });
  }

  it("of refusals only that there is no such campaign, which is true for every caller", () => {
    expect(cacheControlOfRefusal({ reason: "UNKNOWN_CAMPAIGN" })).to.equal(KEPT);
    for (const refusal of [
      { reason: "OVERLOADED" },
      { reason: "RATE_LIMITED", by: "address", retryAfterMs: 10 },
      { reason: "INVALID", field: "campaign_id", allowed: "an id" },
    ] as const)
      expect(cacheControlOfRefusal(refusal)).to.equal("no-store");
  });

  it("the ETag differs with each field, its time included", () => {
    const base = { state: CampaignState.SCHEDULED, serverTime: timestampFromMs(STARTS_MS - 10_000) };
    const changes: Record<string, MessageInitShape<typeof GetCampaignStatusResponseSchema>> = {
      state: { state: CampaignState.PAUSED },
      startsAt: { startsAt: timestampFromMs(STARTS_MS + 1) },
      endsAt: withEnd,
      serverTime: { serverTime: timestampFromMs(STARTS_MS - 9_999) },
      soldOut: { soldOut: true },
      onePerUser: { onePerUser: true },
      claimAuth: { claimAuth: ClaimAuth.KEY },
      maxPerUser: { maxPerUser: 2 },
    };
    // It follows from the two instants.
    const own = GetCampaignStatusResponseSchema.fields.filter(({ name }) => name !== "millis_to_start");
    expect(own.map(({ localName }) => localName)).to.have.members(Object.keys(changes));
    const startsAt = timestampFromMs(STARTS_MS);
    const tagOf = (change: MessageInitShape<typeof GetCampaignStatusResponseSchema>) =>
      etagOf(create(GetCampaignStatusResponseSchema, { ...base, startsAt, ...change }));
    const tags = [{}, ...Object.values(changes)].map(tagOf);
    expect(new Set(tags).size).to.equal(tags.length);
    expect(tagOf({})).to.equal(tags[0]);
  });
});
