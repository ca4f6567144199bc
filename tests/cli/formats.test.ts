import { expect } from "chai";
import { cellsOf } from "../../cli/console/cells.ts";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";

describe("cli formats", () => {
  const { coupons, described } = withRecordedCalls();

  it("shows a table whose columns line up, Hangul taking two cells", async () => {
    const { code, stdout, stderr } = await coupons("formats", "--total", "50000");
    expect(code).to.equal(0);
    expect(stderr).to.equal("");
    expect(described[0]).to.include({ total: 50_000 });
    const [title, heading = "", ...rows] = stdout.trimEnd().split("\n");
    expect(title).to.equal("for a campaign of 50,000 coupons");
    expect(rows).to.have.length(2);
    for (const row of rows) {
      expect(row).to.match(
        /6,341,473,654,629,534,118 {2}6,341,473,654,629 {2}1 in 5\.0 × 10\^14 {2}1 in 1,000/,
      );
      expect(cellsOf(row.slice(0, row.indexOf("6,341")))).to.equal(heading.indexOf("CODES"));
    }
    expect(rows.map((row) => /(yes|no) +예나00$/.exec(row)?.[1])).to.deep.equal(["no", "yes"]);
  });

  it("shows one format in full, whatever form it is typed in", async () => {
    const { code, stdout } = await coupons("formats", "--format", "가가가000#".normalize("NFD"));
    expect(code).to.equal(0);
    expect(described[0]?.codeFormats).to.deep.equal(["가가가000#"]);
    expect(stdout).to.match(/examples +예나00 {2}예다11 +\(예 marks them: none is a coupon\)/);
    expect(stdout)
      .to.match(/check +yes/)
      .and.match(/exist +12,000/)
      .and.match(/fits +yes/);
    expect((await coupons("formats", "--format", "가가00")).stdout).to.match(/fits +no: too small/);
  });

  it("--json is the answer of the service", async () => {
    const { stdout } = await coupons("formats", "--json");
    const [shown] = readJsonLines(stdout);
    expect(shown).to.have.nested.property("formats[1].hasCheckCharacter", true);
    expect(shown).to.have.nested.property("formats[0].codes", "6341473654629534118");
    expect(shown).to.include({ total: 1_000 });
  });
});
