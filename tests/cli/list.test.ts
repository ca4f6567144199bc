import { expect } from "chai";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";

describe("cli list", () => {
  const calls = withRecordedCalls();
  const { coupons } = calls;

  it("follows the pages to the limit", async () => {
    const { code, stdout, stderr } = await coupons("list");
    expect(code).to.equal(0);
    expect(stdout.split("\n").map((line) => line.slice(0, 3))).to.deep.equal([
      "ID ",
      "ID0",
      "ID1",
      "ID2",
      "",
    ]);
    expect(stderr).to.equal("");
    const limited = await coupons("list", "--limit", "1", "--json");
    expect(readJsonLines(limited.stdout).map((shown) => shown["id"])).to.deep.equal(["ID0"]);
    expect(readJsonLines(limited.stderr)[0]).to.have.property("note");
  });

  it("shows the start in the operator's zone and in UTC, once where that is the same", async () => {
    const [heading = "", first = ""] = (await coupons("list")).stdout.split("\n");
    expect(heading).to.match(/STARTS \(Asia\/Seoul\) +STARTS \(UTC\) +NAME$/);
    const starts = "2026-12-24T20:00:00.000+09:00  2026-12-24T11:00:00.000Z";
    expect(first.indexOf(starts)).to.equal(heading.indexOf("STARTS"));
    expect(first.indexOf("first")).to.equal(heading.indexOf("NAME"));
    const inUtc = await runHere(["list"], { url: calls.url, env: { TZ: "UTC" } });
    expect(inUtc.stdout.match(/STARTS/g)).to.have.length(1);
    expect(inUtc.stdout).to.include("2026-12-24T11:00:00.000Z").and.not.include("+00:00");
  });
});
