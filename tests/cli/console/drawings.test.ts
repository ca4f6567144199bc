import { expect } from "chai";
import fc from "fast-check";
import { bar, chart, highestShown, sparkline } from "../../../cli/console/drawings.ts";

describe("console drawings", () => {
  it("a bar is full only when it is full, and empty only when it is empty", () => {
    expect(bar(0, 1_000, 4, true)).to.equal("░░░░");
    expect(bar(1, 1_000, 4, true)).to.equal("█░░░");
    expect(bar(500, 1_000, 4, true)).to.equal("██░░");
    expect(bar(999, 1_000, 4, true)).to.equal("███░");
    expect(bar(1_000, 1_000, 4, true)).to.equal("████");
    expect(bar(2_000, 1_000, 4, false)).to.equal("####");
    expect(bar(1, 0, 4, false)).to.equal("....");
  });

  it("a sparkline stands at the right edge; nothing is a blank, little is seen", () => {
    expect(sparkline([], 4, true)).to.equal("    ");
    expect(sparkline([0, 1, 500, 1_000], 6, true)).to.equal("   ▁▄█");
    expect(sparkline([9, 9, 9, 1, 2, 3, 4], 4, true)).to.equal("▂▄▆█");
    expect(sparkline([0, 1, 500, 1_000], 4, false)).to.equal(" _=#");
    expect(sparkline([1], 0, true)).to.equal("");
  });

  it("a chart is the same over several rows", () => {
    expect(chart([0, 1, 50, 75, 100], 6, 2, true)).to.deep.equal(["    ▄█", "  ▁███"]);
    expect(chart([0, 1, 50, 75, 100], 6, 2, false)).to.deep.equal(["    =#", "  _###"]);
  });

  it("its scale is the highest value that is shown, not one that has gone by", () => {
    expect(highestShown([900, 1, 5, 3], 3)).to.equal(5);
    expect(highestShown([], 3)).to.equal(0);
  });

  it("each row is as wide as asked, and a higher value is never lower", () => {
    const values = fc.array(fc.nat(100_000), { maxLength: 50 });
    fc.assert(
      fc.property(values, fc.nat(40), fc.integer({ min: 1, max: 9 }), (given, cells, rows) => {
        const drawn = chart(given, cells, rows, true);
        expect(drawn.map((row) => row.length)).to.deep.equal(Array(rows).fill(cells));
        const shown = given.slice(Math.max(0, given.length - cells));
        const inked = shown.map((_, i) => {
          const column = drawn.map((row) => row.charAt(cells - shown.length + i));
          return column.reduce((sum, one) => sum + " ▁▂▃▄▅▆▇█".indexOf(one), 0);
        });
        for (const [i, one] of shown.entries())
          for (const [k, other] of shown.entries())
            if (one <= other) expect(inked[i]).to.be.at.most(inked[k] ?? -1);
      }),
    );
  });
});
