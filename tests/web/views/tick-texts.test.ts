import { expect } from "chai";
import { withoutRepeats } from "../../../web/console/views/chart/tick-texts.ts";

describe("console: the texts of a chart's axis", () => {
  it("say each second once, however many ticks it has", () => {
    const texts = ["07:06:52", "07:06:53", "07:06:53", "07:06:54", "07:06:54", "07:06:54"];
    expect(withoutRepeats(texts)).to.deep.equal(["07:06:52", "07:06:53", "", "07:06:54", "", ""]);
    expect(withoutRepeats([])).to.deep.equal([]);
  });
});
