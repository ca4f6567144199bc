import { expect } from "chai";
import { byRequest, withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { campaignId } from "../support/stand-in.ts";

describe("cli status", () => {
  const { coupons } = withRecordedCalls();

  it("what is held before its opening would only open if it were resumed", async () => {
    const { stdout } = await coupons("status", byRequest);
    expect(stdout)
      .to.match(/PAUSED\n/)
      .and.match(/starts .*Z, would open in 00:01:30 if it were resumed\n/);
  });

  it("counts down on the server's clock", async () => {
    const { code, stdout } = await coupons("status", campaignId);
    expect(code).to.equal(0);
    expect(stdout).to.include("SCHEDULED").and.include(", in 00:01:30").and.include("sold out");
    const json = await coupons("--json", "status", campaignId);
    expect(readJsonLines(json.stdout)[0]).to.include({ millisToStart: "90000", soldOut: false });
  });
});
