import { expect } from "chai";
import { createFillPace, UNTHROTTLED } from "../../generator/fill-pace.ts";
import { fakeClock } from "../support/fake-clock.ts";

const MINUTE_MS = 60_000;
const FULL_SPEED = { codes: 5_000, atOnce: 3, restTimes: 0 };
const THROTTLED = { codes: 500, atOnce: 1, restTimes: 9 };

describe("the pace of making codes", () => {
  function made(isBusy: boolean) {
    const clock = fakeClock();
    const pace = createFillPace({ clock, isBusy: async () => isBusy });
    const next = (inMs: number, missing: number) =>
      pace.next({ startsAt: new Date(clock.now() + inMs) }, missing);
    return { clock, pace, next };
  }

  it("is throttled while callers are answered, and else at full speed", async () => {
    expect(await made(true).next(180 * MINUTE_MS, 15_000)).to.deep.equal(THROTTLED);
    expect(await made(false).next(180 * MINUTE_MS, 15_000)).to.deep.equal(FULL_SPEED);
    expect(await UNTHROTTLED.next({ startsAt: new Date(0) }, 1)).to.deep.equal(FULL_SPEED);
  });

  it("is at full speed where a throttled one would not be ready an hour before the start", async () => {
    const { next } = made(true);
    expect(await next(71 * MINUTE_MS, 1_000_000)).to.deep.equal(FULL_SPEED);
    expect(await next(72 * MINUTE_MS, 1_000_000)).to.deep.equal(THROTTLED);
    expect(await next(60 * MINUTE_MS, 1)).to.deep.equal(FULL_SPEED);
  });

  it("is at full speed where the campaign is late, or is open and coupons are added: others wait behind it", async () => {
    expect(await made(true).next(-MINUTE_MS, 1_000_000)).to.deep.equal(FULL_SPEED);
  });

  it("rests nine times as long as a throttled step took, and at most a quarter of a second", async () => {
    const { clock, pace } = made(true);
    for (const [tookMs, restMs] of [
      [10, 90],
      [1_000, 250],
    ] as const) {
      let isOver = false;
      const resting = pace.rest(THROTTLED, tookMs).then(() => {
        isOver = true;
      });
      clock.pass(restMs - 1);
      await Promise.resolve();
      expect(isOver).to.equal(false);
      clock.pass(1);
      await resting;
    }
    await pace.rest(FULL_SPEED, 1_000);
    expect(clock.waiting()).to.deep.equal([]);
  });
});
