import { expect } from "chai";
import { placeNames } from "../../../web/console/views/chart/marks.ts";

const EDGE = 300;
const BESIDE = 4;
const placed = (...marks: (readonly [at: number, width: number])[]) =>
  placeNames(
    marks.map(([at, width]) => ({ at, width })),
    EDGE,
    BESIDE,
  );

describe("console: the names of a chart's marks", () => {
  it("are on the right of their lines, above the lines of the chart, while there is room", () => {
    expect(placed([50, 40], [120, 60])).to.deep.include.members([
      { left: 54, right: 94, row: 0 },
      { left: 124, right: 184, row: 0 },
    ]);
  });

  it("are on the left where the edge would cut them", () => {
    expect(placed([270, 40])).to.deep.equal([{ left: 226, right: 266, row: 0 }]);
  });

  it("are in rows of their own where they would lie over each other, also one on the left of its line", () => {
    const rows = placed([100, 60], [110, 60], [120, 60]).map(({ row }) => row);
    expect(rows).to.deep.equal([0, 1, 2]);
    // The second one's line is beyond the first one's name; its name, on the left, is not.
    expect(placed([200, 50], [260, 60]).map(({ row }) => row)).to.deep.equal([0, 1]);
  });

  it("use the first row again as soon as it is free", () => {
    expect(placed([10, 40], [20, 40], [120, 40]).map(({ row }) => row)).to.deep.equal([0, 1, 0]);
  });

  it("begin at the edge where they have no room on either side", () => {
    expect(placed([290, 300])).to.deep.equal([{ left: 0, right: 300, row: 0 }]);
  });

  it("keep their distance from each other, on either side", () => {
    const rowOfSecond = (...marks: Parameters<typeof placed>) => placed(...marks)[1]?.row;
    // The first name is from 14 to 54; the second one begins at 58, or at 57.
    expect(rowOfSecond([10, 40], [54, 40])).to.equal(0);
    expect(rowOfSecond([10, 40], [53, 40])).to.equal(1);
    // The first name begins at 254; the second one, on the left of its line, ends at 250, or at 251.
    expect(rowOfSecond([250, 40], [254, 50])).to.equal(0);
    expect(rowOfSecond([250, 40], [255, 50])).to.equal(1);
  });

  it("use the first row that is free, which may be one between others", () => {
    expect(placed([10, 100], [20, 40], [30, 40], [80, 40]).map(({ row }) => row)).to.deep.equal([0, 1, 2, 1]);
  });
});
