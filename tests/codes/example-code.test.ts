import { expect } from "chai";
import { DRAWN, SYLLABLES } from "../../codes/alphabet.ts";
import { checkFits } from "../../codes/check-character.ts";
import { EXAMPLE_MARK, exampleCodes, LETTER_EXAMPLE_MARK } from "../../codes/example-code.ts";
import { factsOf } from "../../codes/format-facts.ts";
import { normaliseCode } from "../../codes/normalise-code.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { formatOf } from "./reference.ts";

const SEED = 57_721;

describe("example codes", () => {
  it("carry a mark that no alphabet can spell", () => {
    expect(SYLLABLES).not.to.include(EXAMPLE_MARK);
    // Neither part of 예 is used, so no syllable that joins by the rules of the alphabet can become it.
    const parts = [...EXAMPLE_MARK.normalize("NFD")];
    const used = new Set(SYLLABLES.flatMap((syllable) => [...syllable.normalize("NFD")]));
    expect(parts.filter((part) => used.has(part))).to.deep.equal([]);
  });

  it(`have the shape of their format, the mark first among the syllables, and never a check that fits, seed ${SEED}`, () => {
    for (const pattern of ["가가가가가가0000", "000가", "0가0가#", "가가가가가가000#"]) {
      const made = exampleCodes(formatOf(pattern), 200, seededRandom(SEED));
      expect(new Set(made).size).to.be.greaterThan(100);
      for (const example of made) {
        expect([...example]).to.have.length(pattern.length);
        expect(example.indexOf(EXAMPLE_MARK)).to.equal(pattern.indexOf("가"));
        expect(checkFits(example)).to.equal(false);
        expect(normaliseCode(example)).to.deep.equal({ ok: true, code: example });
      }
    }
  });

  it("of a format without syllables carry a vowel after the prefix, which none of its codes has there", () => {
    for (const [pattern, prefix] of [
      ["SUMMER-AAAA0000", "SUMMER"],
      ["########", ""],
      ["EE-00000000", "EE"],
    ] as const) {
      for (const example of exampleCodes(formatOf(pattern), 50, seededRandom(SEED))) {
        expect(example.slice(0, prefix.length + 1)).to.equal(`${prefix}${LETTER_EXAMPLE_MARK}`);
        expect(example.slice(prefix.length + 1)).to.match(/^[^AEIOUL]+$/);
      }
    }
    expect(DRAWN).not.to.include(LETTER_EXAMPLE_MARK);
  });
});

describe("facts of a format", () => {
  it("are odds from 0 to 1, also where there are more coupons than codes", () => {
    for (const [pattern, total, existing] of [
      ["가가가가가가0000", 1, 0],
      ["가000", 5_000_000, 0],
      ["가가00", 1_000, 5_000_000],
    ] as const) {
      const { guessOdds, collisionOdds, room } = factsOf(formatOf(pattern), total, existing);
      for (const odds of [guessOdds, collisionOdds]) expect(odds).to.be.within(0, 1);
      expect(room >= 0n).to.equal(true);
    }
    expect(factsOf(formatOf("가000"), 5_000_000, 0)).to.include({ guessOdds: 1, room: 0n });
    expect(factsOf(formatOf("가가가가가가0000"), 1, 0)).to.include({
      collisionOdds: 0,
      expectedCollisions: 0,
    });
  });

  it("keep tiny odds: where 1 - e^-x would round to nothing", () => {
    const { collisionOdds, expectedCollisions } = factsOf(formatOf("가가가가가가0000"), 1_000, 0);
    expect(expectedCollisions).to.be.closeTo((1_000 * 999) / 2 / 6.341473654629534e18, 1e-20);
    expect(collisionOdds / expectedCollisions).to.be.closeTo(1, 1e-9);
  });
});
