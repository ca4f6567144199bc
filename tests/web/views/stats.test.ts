import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import {
  type GetCampaignStatsResponse,
  GetCampaignStatsResponseSchema,
} from "../../../proto/gen/coupon/v1/stats_pb.ts";
import { createAskedCall } from "../../../web/console/views/call-state.ts";
import { keptFor } from "../../../web/console/views/kept.ts";
import { barColumns, barsOf, fastestOf } from "../../../web/console/views/stats/sale-bars.ts";
import { campaign, startMs } from "../../support/stand-in.ts";

const stats = (given: object = {}): GetCampaignStatsResponse =>
  create(GetCampaignStatsResponseSchema, {
    campaign: campaign(),
    issuedPerBucket: [40, 0, 12],
    bucketMs: 100,
    firstBucketMs: 200n,
    peakPerSecond: 52,
    peakAt: timestampFromMs(startMs + 1_000),
    ...given,
  });

describe("console: statistics", () => {
  it("has a bar for each bucket, counted from the start", () => {
    expect(barsOf(stats())).to.deep.equal([
      { fromMs: 200, issued: 40 },
      { fromMs: 300, issued: 0 },
      { fromMs: 400, issued: 12 },
    ]);
    expect(barsOf(stats({ issuedPerBucket: [] }))).to.deep.equal([]);
  });

  it("draws each bar at the middle of its bucket, with room at both ends", () => {
    expect(barColumns(stats())).to.deep.equal([
      [0.15, 0.25, 0.35, 0.45, 0.55],
      [0, 40, 0, 12, 0],
    ]);
  });

  it("names the busiest second by its distance from the start", () => {
    expect(fastestOf(stats())).to.deep.equal({ issued: 52, fromMs: 1_000 });
    expect(fastestOf(create(GetCampaignStatsResponseSchema, { campaign: campaign() }))).to.equal(undefined);
  });
});

describe("console: calls and what is kept of them", () => {
  it("keeps the answer of the latest call, and the last answer beside a failure", async () => {
    const asked = createAskedCall<number>();
    let answerFirst: (value: number) => void = () => undefined;
    const early = new Promise<number>((resolve) => {
      answerFirst = resolve;
    });
    const first = asked.ask(() => early);
    expect(asked.state.get()).to.include({ busy: true });
    await asked.ask(async () => 2);
    answerFirst(1);
    await first;
    expect(asked.state.get()).to.deep.equal({ busy: false, answer: 2, error: undefined });
    await asked.ask(() => Promise.reject(new Error("no")));
    expect(asked.state.get()).to.deep.include({ busy: false, answer: 2 });
    expect(asked.state.get().error).to.be.instanceOf(Error);
  });

  it("keeps one value for an owner and a name", () => {
    const [one, other] = [{}, {}];
    let made = 0;
    const make = () => ++made;
    expect([keptFor(one, "a", make), keptFor(one, "a", make), keptFor(one, "b", make)]).to.deep.equal([
      1, 1, 2,
    ]);
    expect(keptFor(other, "a", make)).to.equal(3);
  });
});
