import { expect } from "chai";
import { createClaimsUnderWay } from "../../claims/claims-under-way.ts";
import { type Issue, refused } from "../../claims/issue.ts";
import { gate } from "../support/open-sale.ts";

const REQUEST = { campaignId: "c", userId: "u", requestId: "" };
const CALLER = { authorization: undefined, address: "", aborted: false };
const SOLD = refused({ reason: "SOLD_OUT" });

describe("claims under way", () => {
  it("are those that wait for a store, until each has its answer or fails", async () => {
    const { noting, claimsUnderWay } = createClaimsUnderWay();
    expect(noting(() => SOLD)(REQUEST, CALLER)).to.equal(SOLD);
    expect(claimsUnderWay(), "a known answer").to.equal(false);
    const [first, second] = [gate(), gate()];
    const one = noting(() => first.passed.then((): Issue => SOLD))(REQUEST, CALLER);
    const other = noting(() => second.passed.then(() => Promise.reject(new Error("a bug"))))(REQUEST, CALLER);
    expect(claimsUnderWay()).to.equal(true);
    first.open();
    expect(await one).to.equal(SOLD);
    expect(claimsUnderWay()).to.equal(true);
    second.open();
    expect(await Promise.resolve(other).catch((error: Error) => error.message)).to.equal("a bug");
    expect(claimsUnderWay()).to.equal(false);
  });
});
