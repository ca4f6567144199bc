import { expect } from "chai";
import fc from "fast-check";
import { DIGITS, SYLLABLES } from "../../codes/alphabet.ts";
import { DEFAULT_CODE_FORMAT } from "../../codes/code-format.ts";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { normaliseCode } from "../../codes/normalise-code.ts";
import { seededRandom } from "../support/seeded-random.ts";

const SEED = 271_828;
const code = fc.string({ unit: fc.constantFrom(...SYLLABLES, ...DIGITS), minLength: 1, maxLength: 10 });
const SEPARATORS = [
  ..." \t\n\u00a0\u1680\u2002\u2009\u202f\u205f\u3000\u2028",
  ..."-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d",
  ..."\u200b\u2060\ufeff",
];
const fullWidth = (text: string) =>
  text.replace(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
const messageOf = (input: string): string => {
  const normalised = normaliseCode(input);
  return normalised.ok ? expect.fail("it was accepted") : normalised.message;
};

describe("normaliseCode", () => {
  it("leaves every made code as it is, and brings its NFD back to it (seeded codes)", () => {
    const make = createCodeMaker(DEFAULT_CODE_FORMAT, seededRandom(SEED));
    for (let made = 0; made < 20_000; made += 1) {
      const original = make();
      expect(normaliseCode(original)).to.deep.equal({ ok: true, code: original });
      expect(normaliseCode(original.normalize("NFD"))).to.deep.equal({ ok: true, code: original });
    }
  });

  it("ignores how the code is written: separators, NFD, full-width digits (property)", () => {
    const gap = fc.string({ unit: fc.constantFrom(...SEPARATORS), maxLength: 3 });
    fc.assert(
      fc.property(
        code,
        fc.array(gap, { minLength: 11, maxLength: 11 }),
        fc.boolean(),
        fc.boolean(),
        (original, gaps, decomposed, wide) => {
          const spread = [...original].map((character, i) => gaps[i] + character).join("") + gaps[10];
          const written = wide ? fullWidth(spread) : spread;
          const input = decomposed ? written.normalize("NFD") : written;
          expect(normaliseCode(input)).to.deep.equal({ ok: true, code: original });
        },
      ),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it("takes every separator on its own", () => {
    for (const separator of SEPARATORS) {
      const name = separator.codePointAt(0)?.toString(16) ?? "";
      expect(normaliseCode(`${separator}가${separator}0`), name).to.deep.equal({ ok: true, code: "가0" });
    }
  });

  it("is idempotent, and gives only 1 to 32 syllables, digits and capitals in NFC (property)", () => {
    const unit = fc.oneof(
      { arbitrary: fc.constantFrom(...SEPARATORS, "가", "힣", "0", "９"), weight: 8 },
      fc.constantFrom(...SEPARATORS, "가", "힣", "0", "９", "\u1100", "\u1161", "\u11a8", "\u0301", "A"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
        const once = normaliseCode(units.join(""));
        if (!once.ok) return;
        accepted += 1;
        expect(once.code)
          .to.match(/^[가-힣0-9A-Z]{1,32}$/u)
          .and.to.equal(once.code.normalize("NFC"));
        expect(normaliseCode(once.code)).to.deep.equal(once);
      }),
      { seed: SEED, numRuns: 5000 },
    );
    expect(accepted).to.be.greaterThan(100);
  });

  it("reads letters in any case and width as capitals", () => {
    for (const typed of ["summer-ktwx7394", "ＳＵＭＭＥＲ－ｋｔｗｘ７３９４", " Summer Ktwx 7394 "])
      expect(normaliseCode(typed)).to.deep.equal({ ok: true, code: "SUMMERKTWX7394" });
  });

  it("keeps a syllable that is not in today's alphabet", () => {
    expect(normaliseCode("쀍0")).to.deep.equal({ ok: true, code: "쀍0" });
  });

  it("refuses an empty code and one of more than 32 code points", () => {
    for (const empty of ["", "   ", "- -", "\u3000\u2014"])
      expect(messageOf(empty)).to.equal("code is empty");
    expect(normaliseCode("가나다0".repeat(8)).ok).to.equal(true);
    for (const long of [`${"가나다0".repeat(8)}1`, "0".repeat(257), " ".repeat(1_000_000)])
      expect(messageOf(long)).to.equal("code is longer than 32 characters");
  });

  it("names what does not belong with its position and code point", () => {
    for (const [input, named] of [
      ["가나Ö0", `"Ö" (U+00D6) at position 3`],
      ["가-ㄱ0", `"ㄱ" (U+3131) at position 3`],
      ["가\u0000", "U+0000 at position 2"],
      ["가\u0301", "U+0301 at position 2"],
      ["가٣", `"٣" (U+0663) at position 2`],
      ["😀가", `"😀" (U+1F600) at position 1`],
      [`${"각".normalize("NFD")}한_`.normalize("NFD"), `"_" (U+005F) at position 3`],
      ["가\ud800", "U+D800 at position 2"],
      ["漢0", `"漢" (U+6F22) at position 1`],
    ] as const) {
      expect(messageOf(input)).to.equal(
        `code has ${named}, which is no Hangul syllable, letter A to Z or digit`,
      );
    }
  });

  it("never echoes the code: the message does not depend on the characters that belong (property)", () => {
    const ten = fc.string({ unit: fc.constantFrom(...SYLLABLES, ...DIGITS), minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(ten, ten, fc.nat(9), fc.constantFrom("ö", "!", "ㅏ", "\u0007"), (one, other, at, odd) => {
        const spoil = (text: string) => text.slice(0, at) + odd + text.slice(at);
        expect(messageOf(spoil(one))).to.equal(messageOf(spoil(other)));
        expect(messageOf(one.repeat(4))).to.equal(messageOf(other.repeat(4)));
      }),
      { seed: SEED },
    );
  });
});
