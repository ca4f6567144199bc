import { expect } from "chai";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import { runHere } from "../support/run-here.ts";
import { campaignId } from "../support/stand-in.ts";

describe("cli operator token", () => {
  const calls = withRecordedCalls();

  it("the token goes to the operators' service only", async () => {
    const before = calls.requests.length;
    const surroundings = { url: calls.url, env: { COUPON_TOKEN: "s3cret" } };
    await runHere(["get", campaignId], surroundings);
    await runHere(["status", campaignId], surroundings);
    const sent = calls.requests.slice(before).map((request) => request.headers.authorization);
    expect(sent).to.deep.equal(["Bearer s3cret", undefined]);
  });
});
