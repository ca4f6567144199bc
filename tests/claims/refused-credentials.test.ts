import { expect } from "chai";
import { createRefusedCredentials } from "../../claims/refused-credentials.ts";
import { fakeClock } from "../support/fake-clock.ts";

const CROWD = "203.0.113.7";
const UNAUTHENTICATED = { reason: "UNAUTHENTICATED", why: "" } as const;

describe("sources with refused credentials", () => {
  it("one that is refused all of the time is one all of the time, and none a second after the last", () => {
    const clock = fakeClock();
    const refused = createRefusedCredentials(clock);
    for (let i = 0; i < 300; i++) {
      refused.note(UNAUTHENTICATED, CROWD);
      clock.pass(10);
      expect(refused.isRefused(CROWD), `after ${i * 10} ms`).to.equal(true);
    }
    clock.pass(880);
    expect(refused.isRefused(CROWD)).to.equal(true);
    clock.pass(110);
    expect(refused.isRefused(CROWD)).to.equal(false);
  });

  it("of too many, those that were refused first are forgotten, and not one that is refused again", () => {
    const clock = fakeClock();
    const refused = createRefusedCredentials(clock);
    const source = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    for (let i = 0; i < 10_000; i++) refused.note(UNAUTHENTICATED, source(i));
    clock.pass(100);
    refused.note(UNAUTHENTICATED, source(0));
    refused.note(UNAUTHENTICATED, CROWD);
    expect([0, 1, 2].map((i) => refused.isRefused(source(i)))).to.deep.equal([true, false, true]);
  });
});
