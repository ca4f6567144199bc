import { expect } from "chai";
import { SYMBOLS } from "../../codes/alphabet.ts";
import { type CodeFormat, DEFAULT_CODE_FORMAT } from "../../codes/code-format.ts";
import { createCodeMaker, makeCode } from "../../codes/code-maker.ts";
import { countCodes } from "../../codes/code-space.ts";
import { type RandomSource, randomFromWords, secureRandom } from "../../codes/random-source.ts";
import { createWordFilter } from "../../codes/word-filter.ts";
import { seededRandom, seededWords } from "../support/seeded-random.ts";
import { CRITICAL_AT_0_001, chiSquare, everyCode, formatOf, hasBlockedWord, Tally } from "./reference.ts";

const SEED = 3_141_592;
const SAMPLES = 200_000;
const symbols = new Set(SYMBOLS);
const noWords = createWordFilter([]);

function tally(make: () => string): Tally {
  const counts = new Tally();
  for (let made = 0; made < SAMPLES; made += 1) counts.add(make());
  return counts;
}

/** Equal weight for every character that the pattern allows at a position. */
function evenWeights(format: CodeFormat): Map<string, number>[] {
  return format.slots.map(
    (slot) => new Map(SYMBOLS.slice(slot.firstSymbol, slot.firstSymbol + slot.size).map((c) => [c, 1])),
  );
}

/** The positions at which the tally is further from the weights than chance at p = 0.001 allows. */
function suspects(counts: Tally, weights: readonly Map<string, number>[]): number[] {
  return weights.flatMap((weight, position) => {
    const { statistic, degreesOfFreedom } = chiSquare(counts.positions[position] ?? new Map(), weight);
    const critical = CRITICAL_AT_0_001.get(degreesOfFreedom);
    if (critical === undefined)
      throw new Error(`no critical value for ${degreesOfFreedom} degrees of freedom`);
    return statistic > critical ? [position] : [];
  });
}

describe("code maker", () => {
  it("follows the pattern at every position, always (never a coin flip)", () => {
    for (const pattern of ["가가가가가가0000", "0가0가0가0가", "000가", "가가가0"]) {
      const shape = new RegExp(`^${pattern.replaceAll("가", "[가-힣]").replaceAll("0", "[0-9]")}$`, "u");
      const make = createCodeMaker(formatOf(pattern), seededRandom(SEED));
      for (let made = 0; made < 5000; made += 1) {
        const code = make();
        expect(code).to.match(shape).and.to.equal(code.normalize("NFC"));
        expect(code.normalize("NFD").normalize("NFC")).to.equal(code);
        expect([...code].filter((character) => !symbols.has(character))).to.deep.equal([]);
      }
    }
  });

  it("gives the same codes for the same seed, and others for another", () => {
    const run = (seed: number) =>
      Array.from({ length: 100 }, createCodeMaker(DEFAULT_CODE_FORMAT, seededRandom(seed)));
    expect(run(1)).to.deep.equal(run(1));
    expect(run(1)).not.to.deep.equal(run(2));
    expect(makeCode(DEFAULT_CODE_FORMAT, seededRandom(1))).to.equal(run(1)[0]);
  });

  it(`draws each position evenly: chi-square at p = 0.001, 6 syllables (296 degrees of freedom, critical 376.919) and 4 digits (9, 27.877), ${SAMPLES} codes, seed ${SEED}`, () => {
    const counts = tally(createCodeMaker(DEFAULT_CODE_FORMAT, seededRandom(SEED), noWords));
    expect(suspects(counts, evenWeights(DEFAULT_CODE_FORMAT))).to.deep.equal([]);
  });

  describe("with blocked words, 가가00", () => {
    const format = formatOf("가가00");
    const clean = new Tally();
    const cleanPairs = new Map<string, number>();
    before(() => {
      for (const code of everyCode(format)) {
        if (hasBlockedWord(code)) continue;
        clean.add(code);
        cleanPairs.set(code.slice(2), (cleanPairs.get(code.slice(2)) ?? 0) + 1);
      }
    });

    it("leaves as many codes as countCodes says", () => {
      expect(BigInt(clean.size)).to.equal(countCodes(format));
    });

    it(`stays even over the codes that remain: chi-square at p = 0.001 against an enumeration of all (296 degrees of freedom, critical 376.919; 9, 27.877), seed ${SEED}`, () => {
      const counts = tally(createCodeMaker(format, seededRandom(SEED)));
      expect(suspects(counts, clean.positions)).to.deep.equal([]);
    });

    it(`draws digit pairs evenly too: chi-square at p = 0.001, 97 degrees of freedom, critical 145.8, seed ${SEED}`, () => {
      const pairs = new Map<string, number>();
      const make = createCodeMaker(format, seededRandom(SEED));
      for (let made = 0; made < SAMPLES; made += 1) {
        const pair = make().slice(2);
        pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      }
      const { statistic, degreesOfFreedom } = chiSquare(pairs, cleanPairs);
      expect(degreesOfFreedom).to.equal(97);
      expect(statistic).to.be.below(145.8);
    });

    it("would go red if a code with a blocked word were mended instead of made again", () => {
      const make = createCodeMaker(format, seededRandom(SEED), noWords);
      const mended = tally(() => {
        const code = make();
        return hasBlockedWord(code) ? `${code.slice(0, 2)}00` : code;
      });
      expect(suspects(mended, clean.positions)).to.include(2);
    });
  });

  it(`goes red on a biased maker: 10-bit words taken modulo the bound, seed ${SEED}`, () => {
    const words = seededWords(SEED);
    const biased: RandomSource = (bound) => (words() & 0x3ff) % bound;
    const red = suspects(
      tally(createCodeMaker(DEFAULT_CODE_FORMAT, biased, noWords)),
      evenWeights(DEFAULT_CODE_FORMAT),
    );
    expect(red).to.include.members([0, 1, 2, 3, 4, 5]);
  });

  it(`goes red on a maker that draws one digit in 100 wrongly, seed ${SEED}`, () => {
    const fair = seededRandom(SEED);
    const biased: RandomSource = (bound) => (bound === 10 && fair(100) === 0 ? 0 : fair(bound));
    const red = suspects(
      tally(createCodeMaker(DEFAULT_CODE_FORMAT, biased, noWords)),
      evenWeights(DEFAULT_CODE_FORMAT),
    );
    expect(red).to.deep.equal([6, 7, 8, 9]);
  });

  it("throws when the random source leaves its bounds, rather than make an odd code", () => {
    for (const wild of [-1, 10, 297, 0.5, Number.NaN]) {
      expect(() => makeCode(formatOf("000가"), () => wild)).to.throw(Error, "left its bounds");
    }
  });
});

describe("random source", () => {
  it("is unbiased for every bound tried: over all 65,536 words each value comes equally often", () => {
    for (const bound of [1, 2, 3, 7, 10, 256, 297, 1000, 40_000, 65_535, 65_536]) {
      let next = 0;
      const usable = 65_536 - (65_536 % bound);
      const random = randomFromWords(() => next++ & 0xffff);
      const counts = new Uint32Array(bound);
      for (let draw = 0; draw < usable; draw += 1) {
        const value = random(bound);
        counts[value] = (counts[value] ?? 0) + 1;
      }
      expect(new Set(counts), `bound ${bound}`).to.deep.equal(new Set([usable / bound]));
    }
  });

  it("refuses the words of the incomplete last round: 65,536 is 220 × 297 + 196", () => {
    const words = [65_340, 65_535, 65_339];
    let used = 0;
    expect(randomFromWords(() => words[used++] ?? 0)(297)).to.equal(296);
    expect(used).to.equal(3);
  });

  it("refuses other bounds, and gives up on words that are stuck", () => {
    for (const bound of [0, -1, 1.5, 65_537, Number.NaN]) {
      expect(() => seededRandom(SEED)(bound)).to.throw(RangeError, "bound");
    }
    expect(() => randomFromWords(() => 65_535)(10)).to.throw(Error, "128 unusable words in a row");
  });

  it("secureRandom stays within bounds over many buffers, reaches every value, and differs each time", () => {
    const random = secureRandom();
    const seen = new Set<number>();
    for (let draw = 0; draw < 100_000; draw += 1) seen.add(random(297));
    expect([...seen].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 297 }, (_, value) => value));
    const codes = Array.from({ length: 1000 }, () => makeCode(DEFAULT_CODE_FORMAT, secureRandom()));
    expect(new Set(codes).size).to.equal(1000);
  });
});
