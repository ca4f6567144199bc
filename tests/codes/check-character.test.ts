import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { DIGITS, SYLLABLES, SYMBOLS } from "../../codes/alphabet.ts";
import { CHECK_MODULUS, checkFits, checkSymbol, checkWeight } from "../../codes/check-character.ts";
import { parseCodeFormat } from "../../codes/code-format.ts";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { checkSpace, countCodes } from "../../codes/code-space.ts";
import { mistypedBecause } from "../../codes/normalise-code.ts";
import { createWordFilter } from "../../codes/word-filter.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { checkedCode, everyCode, formatOf, hasBlockedWord } from "./reference.ts";

const SEED = 161_803;
const RUNS = { seed: SEED, numRuns: 300 };

/** Any drawn part of any format with a check character, with the check character of the reference. */
const checked = fc
  .array(fc.oneof(fc.constantFrom(...SYLLABLES), fc.constantFrom(...DIGITS)), { minLength: 3, maxLength: 9 })
  .map((characters) => [...checkedCode(characters.join(""))]);

const replaced = (characters: readonly string[], at: number, by: string): string =>
  characters.map((character, index) => (index === at ? by : character)).join("");

describe("check character", () => {
  it("counts in a field: 297 syllables and 10 digits are 307 symbols, a prime, more than any weight", () => {
    expect(SYMBOLS.length).to.equal(307);
    expect(CHECK_MODULUS).to.equal(307);
    for (let divisor = 2; divisor < CHECK_MODULUS; divisor += 1)
      expect(CHECK_MODULUS % divisor).not.to.equal(0);
    const weights = Array.from({ length: 10 }, (_, index) => checkWeight(9 - index, 10));
    expect(weights).to.deep.equal([1, 10, 13, 21, 48, 57, 110, 130, 138, 140]);
    for (const length of [4, 5, 6, 7, 8, 9]) {
      const shorter = Array.from({ length }, (_, index) => checkWeight(length - 1 - index, length));
      expect(shorter).to.deep.equal(weights.slice(0, length));
    }
    expect(() => checkWeight(0, 11)).to.throw(RangeError);
  });

  it("has weights of which none is ±a/b of another for a, b from 1 to 9: so no two wrong digits cancel out", () => {
    let tried = 0;
    for (let first = 0; first < 10; first += 1) {
      for (let second = first + 1; second < 10; second += 1) {
        for (let a = -9; a <= 9; a += 1) {
          for (let b = -9; b <= 9; b += 1) {
            if (a === 0 || b === 0) continue;
            tried += 1;
            expect((checkWeight(first, 10) * a + checkWeight(second, 10) * b) % 307).not.to.equal(0);
          }
        }
      }
    }
    expect(tried).to.equal(45 * 18 * 18);
  });

  it("stands on an order of symbols that must never change: codes that were made carry it", () => {
    // If this test fails, issued codes with a check character no longer fit: introduce a new mark instead.
    const order = createHash("sha256").update(SYMBOLS.join("")).digest("hex");
    expect(order).to.equal("b75c3409deb2746beab9125ab4ba9c84c8616738db0c85935a4a5dcea53d3c1d");
  });

  it("is the one character of 307 that fits (property, against a search)", () => {
    fc.assert(
      fc.property(checked, (characters) => {
        const stem = characters.slice(0, -1).join("");
        expect(SYMBOLS.filter((symbol) => checkFits(stem + symbol))).to.deep.equal([characters.at(-1)]);
      }),
      RUNS,
    );
    expect(checkSymbol(0)).to.equal(0);
    expect(checkSymbol(307)).to.equal(0);
    expect(checkSymbol(1)).to.equal(306);
  });

  it("finds every single wrong character, whichever it is, the check character too (property, exhaustive in each code)", () => {
    let tried = 0;
    fc.assert(
      fc.property(checked, (characters) => {
        for (const [at, right] of characters.entries()) {
          for (const wrong of SYMBOLS) {
            if (wrong === right) continue;
            tried += 1;
            expect(checkFits(replaced(characters, at, wrong))).to.equal(false);
          }
        }
      }),
      { seed: SEED, numRuns: 40 },
    );
    expect(tried).to.be.greaterThan(40 * 4 * 306 - 1);
  });

  it("finds every character from outside the alphabet (property)", () => {
    const outside = fc
      .constantFrom(..."가각힣걍예ㄱA?０")
      .filter((character) => !SYMBOLS.includes(character));
    fc.assert(
      fc.property(checked, fc.nat(), outside, (characters, place, wrong) => {
        expect(checkFits(replaced(characters, place % characters.length, wrong))).to.equal(false);
      }),
      RUNS,
    );
  });

  it("finds every swap, of neighbours and of any two, the check character too (property, exhaustive in each code)", () => {
    let neighbours = 0;
    fc.assert(
      fc.property(checked, (characters) => {
        for (const [first, a] of characters.entries()) {
          for (const [second, b] of characters.entries()) {
            if (second <= first || a === b) continue;
            const swapped = replaced([...replaced(characters, first, b)], second, a);
            if (second === first + 1) neighbours += 1;
            expect(checkFits(swapped), `${characters.join("")} ${first} ${second}`).to.equal(false);
          }
        }
      }),
      RUNS,
    );
    expect(neighbours).to.be.greaterThan(1_000);
  });

  it("finds any two wrong digits (property, exhaustive in each code)", () => {
    const digits = fc.tuple(
      fc.constantFrom(...SYLLABLES),
      fc.array(fc.constantFrom(...DIGITS), { minLength: 2, maxLength: 8 }),
    );
    let tried = 0;
    fc.assert(
      fc.property(digits, ([syllable, drawn]) => {
        const characters = [...checkedCode(syllable + drawn.join(""))];
        for (let first = 1; first < drawn.length; first += 1) {
          for (let second = first + 1; second <= drawn.length; second += 1) {
            for (const a of DIGITS) {
              for (const b of DIGITS) {
                if (a === characters[first] || b === characters[second]) continue;
                tried += 1;
                expect(checkFits(replaced([...replaced(characters, first, a)], second, b))).to.equal(false);
              }
            }
          }
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
    expect(tried).to.be.greaterThan(10_000);
  });

  it("finds every pair typed twice wrongly, 11 for 22 (property)", () => {
    const pairs = fc.tuple(fc.array(fc.constantFrom(...SYMBOLS), { minLength: 2, maxLength: 7 }), fc.nat());
    fc.assert(
      fc.property(pairs, fc.constantFrom(...SYMBOLS), fc.constantFrom(...SYMBOLS), ([rest, place], a, b) => {
        fc.pre(a !== b);
        const at = place % (rest.length + 1);
        const twin = (character: string): string =>
          [...rest.slice(0, at), character, character, ...rest.slice(at)].join("");
        const right = checkedCode(twin(a));
        const check = [...right].at(-1) ?? "";
        expect(checkFits(right)).to.equal(true);
        expect(checkFits(twin(b) + check)).to.equal(false);
      }),
      RUNS,
    );
  });

  it(`misses one in 307 of what is wrong at random, as documented: 200,000 codes, seed ${SEED}`, () => {
    const random = seededRandom(SEED);
    let missed = 0;
    for (let tries = 0; tries < 200_000; tries += 1) {
      const any = Array.from({ length: 10 }, () => SYMBOLS[random(307)]).join("");
      if (checkFits(any)) missed += 1;
    }
    // Binomial with p = 1/307: 651.5 are expected, the standard deviation is 25.5.
    expect(missed).to.be.within(651 - 128, 652 + 128);
  });

  it("is for codes, not for nothing", () => {
    expect(checkFits("")).to.equal(false);
    expect(checkFits(SYMBOLS[0] ?? "")).to.equal(false);
    expect(checkFits((SYMBOLS[0] ?? "").repeat(11))).to.equal(false);
  });
});

describe("code format with a check character", () => {
  it("is within the ten characters and adds no combinations", () => {
    const format = formatOf("가가가가가가000#");
    expect(format).to.include({ length: 10, check: true, space: 297n ** 6n * 1_000n });
    expect(format.slots).to.have.length(9);
    expect(formatOf("가가가가가가0000").check).to.equal(false);
  });

  it("stands last, once, after syllables and digits alone; any other # is a letter or digit", () => {
    for (const pattern of ["#가가00", "가가0#0", "가가0##", "0000#", "A가가0#", "가가0A#"])
      expect(formatOf(pattern).check, pattern).to.equal(false);
    for (const pattern of ["가00#", "가가가#", "여름-가가가가가가000#"])
      expect(formatOf(pattern).check, pattern).to.equal(true);
    for (const [pattern, why] of [
      ["가0#", /3 characters, too few/],
      ["가가가가가가0000#", /11 characters, too many with a check character: at most 10/],
    ] as const) {
      const parsed = parseCodeFormat(pattern);
      expect(parsed.ok ? "accepted" : parsed.message, pattern)
        .to.match(why)
        .and.to.include("last after 가 and 0: a check character");
    }
  });

  it("is computed from what follows the prefix", () => {
    const make = createCodeMaker(formatOf("여름-가가가가000#"), seededRandom(SEED));
    const plain = createCodeMaker(formatOf("가가가가000#"), seededRandom(SEED));
    for (let made = 0; made < 100; made += 1) {
      const code = make();
      expect(checkFits(code.slice(2))).to.equal(true);
      expect(code.slice(2)).to.equal(plain());
      const other = code[8] === "1" ? "2" : "1";
      const formats = [formatOf("여름-가가가가000#")];
      expect(mistypedBecause(code, formats)).to.equal(undefined);
      expect(mistypedBecause(`${code.slice(0, 8)}${other}${code.slice(9)}`, formats)).to.match(/^mistyped/);
    }
  });

  for (const pattern of ["가00#", "0가0#", "00가#", "가가0#"]) {
    it(`${pattern}: countCodes is what making every one and looking finds, with the check character in the search`, () => {
      const format = formatOf(pattern);
      let clean = 0n;
      let onlyTheCheck = 0n;
      for (const drawn of everyCode(format)) {
        const code = checkedCode(drawn);
        if (!hasBlockedWord(code)) clean += 1n;
        else if (!hasBlockedWord(drawn)) onlyTheCheck += 1n;
      }
      expect(countCodes(format)).to.equal(clean);
      expect(onlyTheCheck > 0n, "the check character completes a blocked word now and then").to.equal(true);
    });
  }

  it("counts exactly where a double would round: the raw space when no word is blocked", () => {
    for (const pattern of ["가가가가가가000#", "가가가가가가가가0#", "가0가0가0가0가#"]) {
      expect(countCodes(formatOf(pattern), createWordFilter([]))).to.equal(formatOf(pattern).space);
    }
    // 나비 in three characters, the last of which follows from the others: it is at the first two places or at
    // the last two.
    const withWord = countCodes(formatOf("가가0#"), createWordFilter(["나비"]));
    expect(withWord < formatOf("가가0#").space - 10n + 1n).to.equal(true);
  });

  it(`makes codes whose check character fits and that hold no blocked word, seed ${SEED}`, () => {
    for (const pattern of ["가가가가가가000#", "00가#", "가0가0#"]) {
      const make = createCodeMaker(formatOf(pattern), seededRandom(SEED));
      const kinds = new Set<string>();
      for (let made = 0; made < 5_000; made += 1) {
        const code = make();
        expect([...code]).to.have.length([...pattern].length);
        expect(checkFits(code)).to.equal(true);
        expect(hasBlockedWord(code)).to.equal(false);
        expect(checkedCode([...code].slice(0, -1).join(""))).to.equal(code);
        kinds.add(/[0-9]$/.test(code) ? "digit" : "syllable");
      }
      expect([...kinds]).to.have.members(["digit", "syllable"]);
    }
  });

  it("says in the refusal that the check character adds no room", () => {
    const check = checkSpace(formatOf("가가00#"), 100);
    expect(check.ok ? "accepted" : check.message).to.match(
      /가가00# has 297 × 297 × 10 × 10 = 8,820,900 codes \(its check character adds none\)/,
    );
  });
});

describe("mistyped codes", () => {
  const withCheck = formatOf("가가가가가가000#");
  const without = formatOf("가가가가가가0000");
  const right = createCodeMaker(withCheck, seededRandom(SEED))();
  const wrong = `${right.slice(0, 8)}${right[8] === "1" ? "2" : "1"}${right.slice(9)}`;

  it("are told where every format of that length has a check character, and only there", () => {
    expect(mistypedBecause(wrong, [withCheck])).to.match(/^mistyped: the check character does not fit/);
    expect(mistypedBecause(right, [withCheck])).to.equal(undefined);
    expect(mistypedBecause(wrong, [withCheck, without])).to.equal(undefined);
    expect(mistypedBecause(wrong, [without])).to.equal(undefined);
    expect(mistypedBecause(wrong, [])).to.equal(undefined);
    expect(mistypedBecause(wrong, [withCheck, formatOf("가가00")])).to.match(/check character/);
  });

  it("with a character too many or too few are told with the lengths there are", () => {
    expect(mistypedBecause(right.slice(1), [withCheck])).to.equal("mistyped: it has 9 characters, not 10");
    expect(mistypedBecause(right.slice(1), [withCheck, formatOf("가가00#")])).to.equal(
      "mistyped: it has 9 characters, not 5 or 10",
    );
    expect(mistypedBecause(right.slice(1), [withCheck, without])).to.equal(undefined);
  });
});
