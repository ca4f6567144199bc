import { expect } from "chai";
import { DRAWN } from "../../codes/alphabet.ts";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { checkSpace, countCodes } from "../../codes/code-space.ts";
import { createWordFilter } from "../../codes/word-filter.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { CRITICAL_AT_0_001, chiSquare, everyCode, formatOf, hasBlockedWord, Tally } from "./reference.ts";

const SEED = 662_607;

describe("codes with letters", () => {
  it("are counted exactly as making every one and looking does, words across the prefix too", () => {
    for (const [pattern, word] of [
      ["A0A0", "BC"],
      ["###0", "2B"],
      ["XB-A0A0", "BCC"],
      ["X2B2-A0A0", "BC"],
    ] as const) {
      const format = formatOf(pattern);
      const clean = [...everyCode(format)].filter((drawn) => {
        const code = format.prefix + drawn;
        return !code.includes(word) && !code.replace(/[0-9]/g, "").includes(word);
      });
      expect(Number(countCodes(format, createWordFilter([word]))), pattern).to.equal(clean.length);
      expect(clean.length, pattern).to.be.lessThan(Number(format.space));
    }
  });

  it("a prefix with a blocked word is the operator's own, and blocks no code", () => {
    const format = formatOf("SALE18-AAAAAA");
    expect(countCodes(format)).to.equal(countCodes(formatOf("AAAAAA")));
    expect(createCodeMaker(format, seededRandom(SEED))()).to.match(/^SALE18[A-Z]{6}$/);
  });

  for (const pattern of ["SUMMER-AAAA0000", "########", "A0A0A0A0"]) {
    it(`of ${pattern}: 50,000 have no blocked word, and every character of a position comes evenly (seed ${SEED})`, () => {
      const format = formatOf(pattern);
      const make = createCodeMaker(format, seededRandom(SEED));
      const even = createCodeMaker(format, seededRandom(SEED), createWordFilter([]));
      const counts = new Tally();
      for (let made = 0; made < 50_000; made += 1) {
        const code = make();
        if (hasBlockedWord(code.slice(format.prefix.length))) expect.fail("a made code has a blocked word");
        expect(code.startsWith(format.prefix)).to.equal(true);
        counts.add(even().slice(format.prefix.length));
      }
      format.slots.forEach(({ firstSymbol, size }, position) => {
        const weights = new Map(DRAWN.slice(firstSymbol, firstSymbol + size).map((c) => [c, 1]));
        const { statistic, degreesOfFreedom } = chiSquare(counts.positions[position] ?? new Map(), weights);
        const critical = CRITICAL_AT_0_001.get(degreesOfFreedom) ?? CRITICAL[degreesOfFreedom];
        expect(statistic, `position ${position}`).to.be.below(critical ?? 0);
      });
    });
  }

  it("are judged by the same odds, with the same sentence", () => {
    const refused = checkSpace(formatOf("SUMMER-A0A0A0"), 1_000);
    expect(refused.ok ? "" : refused.message)
      .to.match(/^code_format SUMMER-A0A0A0 has 17 × 6 × 17 × 6 × 17 × 6 = 1,061,208 codes/)
      .and.to.include("has room for 1 more: use a longer one");
    expect(checkSpace(formatOf("############"), 5_000_000).ok).to.equal(true);
  });
});

/** Pearson's statistic that chance exceeds once in 1,000 times, by degrees of freedom. */
const CRITICAL: Readonly<Record<number, number>> = { 5: 20.52, 16: 39.25, 22: 48.27 };
