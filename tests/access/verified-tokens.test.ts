import { expect } from "chai";
import { createVerifiedTokens, VERIFIED_HALF_MAX } from "../../access/verified-tokens.ts";

const verified = (userId: string) =>
  ({ principal: { kind: "token", userId, campaignId: undefined }, untilMs: 1 }) as const;

describe("verified tokens", () => {
  it("keeps those that are used, and drops others once both halves are full", () => {
    const tokens = createVerifiedTokens();
    for (const name of ["used", "unused"]) tokens.keep(name, verified(name));
    for (let i = 0; i < 2 * VERIFIED_HALF_MAX; i++) {
      tokens.keep(`filler ${i}`, verified("filler"));
      if (i % 1_000 === 0) expect(tokens.get("used"), String(i)).to.deep.equal(verified("used"));
    }
    expect(tokens.get("unused")).to.equal(undefined);
    expect(tokens.get(`filler ${2 * VERIFIED_HALF_MAX - 1}`)).to.deep.equal(verified("filler"));
  });

  it("forgets all of them at once", () => {
    const tokens = createVerifiedTokens();
    for (let i = 0; i < VERIFIED_HALF_MAX + 1; i++) tokens.keep(`${i}`, verified("x"));
    tokens.clear();
    expect([tokens.get("0"), tokens.get(`${VERIFIED_HALF_MAX}`)]).to.deep.equal([undefined, undefined]);
  });
});
