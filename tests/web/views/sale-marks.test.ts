import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { CampaignSchema, CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { type WatchEvent, WatchEventSchema } from "../../../proto/gen/coupon/v1/watch_pb.ts";
import { marksOf, pausesOf } from "../../../web/console/views/live/sale-marks.ts";

const START_MS = Date.UTC(2026, 11, 24, 11);
const at = (ms: number) => timestampFromMs(START_MS + ms);

const change = (ms: number, fromState: CampaignState, toState: CampaignState): WatchEvent =>
  create(WatchEventSchema, { at: at(ms), fromState, toState });
const campaign = (state: CampaignState, given: object = {}) =>
  create(CampaignSchema, { state, startsAt: at(0), ...given });

const { SCHEDULED, OPEN, PAUSED, SOLD_OUT, ENDED, CANCELLED } = CampaignState;

describe("console: marks of the sale", () => {
  it("has the start, a late opening, the sell-out and the end, in order of time", () => {
    const events = [change(9_000, OPEN, SOLD_OUT), change(5_000, SCHEDULED, OPEN)];
    const shown = campaign(SOLD_OUT, { openedAt: at(5_000), endsAt: at(60_000) });
    expect(marksOf(shown, events).map(({ atMs, kind }) => [atMs - START_MS, kind])).to.deep.equal([
      [0, "start"],
      [5_000, "opened"],
      [9_000, "sold-out"],
      [60_000, "end"],
    ]);
  });

  it("has no line of its own for an opening on time, and the real end in place of the planned one", () => {
    const shown = campaign(ENDED, { openedAt: at(3), endsAt: at(60_000) });
    const kinds = marksOf(shown, [change(30_000, OPEN, ENDED)]).map(({ atMs, kind }) => [
      atMs - START_MS,
      kind,
    ]);
    expect(kinds).to.deep.equal([
      [0, "start"],
      [30_000, "end"],
    ]);
    expect(marksOf(campaign(CANCELLED), [change(1, SCHEDULED, CANCELLED)]).at(-1)?.kind).to.equal(
      "cancelled",
    );
  });

  it("has each pause, whatever part of it the events show", () => {
    const both = [change(1_000, OPEN, PAUSED), change(2_000, PAUSED, OPEN), change(3_000, OPEN, PAUSED)];
    expect(pausesOf(campaign(PAUSED), both)).to.deep.equal([
      { fromMs: START_MS + 1_000, toMs: START_MS + 2_000 },
      { fromMs: START_MS + 3_000, toMs: undefined },
    ]);
    const forgotten = [change(2_000, PAUSED, OPEN)];
    expect(pausesOf(campaign(OPEN), forgotten)).to.deep.equal([
      { fromMs: Number.NEGATIVE_INFINITY, toMs: START_MS + 2_000 },
    ]);
    expect(pausesOf(campaign(PAUSED), [])).to.deep.equal([
      { fromMs: Number.NEGATIVE_INFINITY, toMs: undefined },
    ]);
    expect(pausesOf(campaign(OPEN), [])).to.deep.equal([]);
  });

  it("ignores events that are no change of state", () => {
    expect(pausesOf(campaign(OPEN), [create(WatchEventSchema, { at: at(0), kind: "redis" })])).to.deep.equal(
      [],
    );
  });
});
