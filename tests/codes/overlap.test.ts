import { expect } from "chai";
import fc from "fast-check";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { codesLike, codesLikePattern, overlappingPatterns } from "../../codes/overlap.ts";
import { createWordFilter } from "../../codes/word-filter.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { formatOf } from "./reference.ts";

const SEED = 161_803;
const noWords = createWordFilter([]);

describe("formats that can make the same code", () => {
  it("are those with a check character and what it can be, prefixes and what spells them", () => {
    const patterns = [
      "가가00#",
      "가가00가",
      "가가000",
      "가가0000",
      "가000가",
      "가000#",
      "BC-AAAA",
      "AAAAAA",
      "######",
    ];
    const others = ["BE-AAAA", "000000", "가AAAAA", "BCAAAA", "", "no pattern"];
    const like = (pattern: string) => overlappingPatterns(formatOf(pattern), [...patterns, ...others]);
    expect(like("가가00#")).to.have.members(["가가00#", "가가00가", "가가000"]);
    expect(like("가가000")).to.have.members(["가가000", "가가00#"]);
    expect(like("가000가")).to.have.members(["가000가", "가000#"]);
    expect(like("BC-AAAA")).to.have.members(["BC-AAAA", "AAAAAA", "######"]);
    expect(like("BE-AAAA")).to.have.members(["BE-AAAA"]);
    // Digits beside letters are 2 3 4 6 7 9, and any others where there are no letters.
    expect(like("000000")).to.have.members(["000000", "######"]);
  });

  it("never miss one: a code that both can make is enough (property)", () => {
    const pattern = fc.stringMatching(/^(?:[B2나]-)?[0A#]{4}$/);
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        const [a, b] = [formatOf(one), formatOf(other)];
        const make = createCodeMaker(a, seededRandom(SEED), noWords);
        const inB = new RegExp(
          `^${b.prefix}${b.slots
            .map(
              ({ kind }) =>
                ({ letter: "[A-Z]", digit: "[0-9]", "clear-digit": "[234679]" })[String(kind)] ??
                "[A-Z234679]",
            )
            .join("")}$`,
        );
        const found = Array.from({ length: 50 }, make).some((code) => inB.test(code));
        if (found) expect(overlappingPatterns(a, [other]), `${one} and ${other}`).to.deep.equal([other]);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it("are counted with all their codes", () => {
    const totals = new Map([
      ["가가00#", 5],
      ["가가000", 7],
      ["가가0000", 100],
      ["", 1_000],
    ]);
    expect(codesLike(formatOf("가가000"), totals)).to.equal(12);
    expect(codesLikePattern("가가0000", totals)).to.equal(100);
    expect(codesLikePattern("가나", totals)).to.equal(0);
  });
});
