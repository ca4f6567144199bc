import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { withBreak } from "../../../cli/console/model.ts";
import { type Asked, dueReadiness } from "../../../cli/console/readiness.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { startMs } from "../../support/stand-in.ts";
import { empty, message, modelAfter } from "./shown-model.ts";

const { GENERATING, SCHEDULED, PAUSED, OPEN, CANCELLED } = CampaignState;

describe("console readiness", () => {
  const waiting = (sinceStartMs: number, state: CampaignState = SCHEDULED, startsAtMs = startMs) =>
    modelAfter(message({ campaign: { state, startsAt: timestampFromMs(startsAtMs) }, sinceStartMs }));
  const asked: Asked = { atMs: 0, startsMs: startMs, state: SCHEDULED };
  const isDue = (...args: Parameters<typeof dueReadiness>) => dueReadiness(...args) !== undefined;

  it("is asked for at once, then every quarter of a minute, far from the start every minute", () => {
    expect(dueReadiness(waiting(-60_000), undefined, 5)).to.deep.equal({ ...asked, atMs: 5 });
    expect(isDue(waiting(-60_000), asked, 14_999)).to.equal(false);
    expect(isDue(waiting(-60_000), asked, 15_000)).to.equal(true);
    expect(isDue(waiting(-3_600_000), asked, 59_999)).to.equal(false);
    expect(isDue(waiting(-3_600_000), asked, 60_000)).to.equal(true);
  });

  it("another start or another state wants another one at once", () => {
    expect(isDue(waiting(-60_000, SCHEDULED, startMs + 1), asked, 1)).to.equal(true);
    expect(isDue(waiting(-60_000, PAUSED), asked, 1)).to.equal(true);
    expect(isDue(waiting(-60_000, GENERATING), asked, 1)).to.equal(true);
    expect(isDue(waiting(-60_000), asked, 1)).to.equal(false);
  });

  it("is not asked for once it has opened, is over or the start has come, nor while nobody answers", () => {
    expect(isDue(empty, undefined, 0)).to.equal(false);
    for (const state of [OPEN, CANCELLED])
      expect(isDue(waiting(-60_000, state), undefined, 0)).to.equal(false);
    expect(isDue(waiting(0), undefined, 0)).to.equal(false);
    // The console's own countdown has ended, although no message has confirmed it yet.
    expect(isDue(waiting(-1_000), undefined, 1_000)).to.equal(false);
    const paused = modelAfter(
      message({ campaign: { state: PAUSED, openedAt: timestampFromMs(startMs) }, sinceStartMs: -1 }),
    );
    expect(isDue(paused, undefined, 0)).to.equal(false);
    const lost = withBreak(waiting(-60_000), { why: "away", again: "" }, 0);
    expect(isDue(lost, undefined, 0)).to.equal(false);
  });
});
