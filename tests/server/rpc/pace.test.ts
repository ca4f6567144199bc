import { expect } from "chai";
import { createPace } from "../../../server/rpc/pace.ts";
import { fakeClock } from "../../support/fake-clock.ts";

describe("pace", () => {
  it("rests four times as long as it worked, where it may take a fifth of the time", async () => {
    const clock = fakeClock();
    const pause = createPace(clock, 0.2);
    let rested = false;
    clock.pass(10);
    const resting = pause().then(() => {
      rested = true;
    });
    clock.pass(39);
    await Promise.resolve();
    expect(rested).to.equal(false);
    clock.pass(1);
    await resting;
  });

  it("does not rest from a wait: an audit that reads again ten seconds later goes on at once", async () => {
    const clock = fakeClock();
    const pause = createPace(clock, 0.2);
    clock.pass(10_000);
    const resting = pause();
    clock.pass(400);
    await resting;
  });
});
