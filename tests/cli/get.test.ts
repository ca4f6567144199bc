import { expect } from "chai";
import { codes, withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { campaignId } from "../support/stand-in.ts";

describe("cli get", () => {
  const { coupons } = withRecordedCalls();

  it("sums up in words, without codes", async () => {
    const { code, stdout } = await coupons("get", campaignId);
    expect(code).to.equal(0);
    expect(stdout).to.include("3 of 1,000 issued").and.include("OPEN").and.not.include("가나다");
  });

  it("--codes shows every page", async () => {
    const { stdout } = await coupons("get", campaignId, "--codes");
    expect(stdout.trimEnd().split("\n").slice(-3)).to.deep.equal(codes);
    const { stdout: json } = await coupons("get", campaignId, "--codes", "--json");
    expect(readJsonLines(json)[0]).to.have.deep.property("issuedCodes", codes);
  });
});
