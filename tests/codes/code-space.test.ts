import { expect } from "chai";
import { DEFAULT_CODE_FORMAT } from "../../codes/code-format.ts";
import { CODES_PER_COUPON, checkSpace, countCodes } from "../../codes/code-space.ts";
import { createWordFilter } from "../../codes/word-filter.ts";
import { everyCode, formatOf, hasBlockedWord } from "./reference.ts";

const messageOf = (pattern: string, total: number, existing?: number): string => {
  const check = checkSpace(formatOf(pattern), total, existing);
  return check.ok ? expect.fail(`${pattern} was accepted for ${total}`) : check.message;
};

describe("code space", () => {
  for (const pattern of ["가000", "0가00", "000가", "가0가0"]) {
    it(`counts the codes of ${pattern} exactly as making every one and looking does`, () => {
      const format = formatOf(pattern);
      let raw = 0n;
      let clean = 0n;
      for (const code of everyCode(format)) {
        raw += 1n;
        if (!hasBlockedWord(code)) clean += 1n;
      }
      expect(raw).to.equal(format.space);
      expect(countCodes(format)).to.equal(clean);
      expect(clean < raw).to.equal(true);
    });
  }

  it("counts the raw space when no word is blocked, and takes a word away exactly", () => {
    expect(countCodes(DEFAULT_CODE_FORMAT, createWordFilter([]))).to.equal(DEFAULT_CODE_FORMAT.space);
    // 나비 in three syllables: 2 places × 297, and the two places never overlap.
    expect(countCodes(formatOf("가가가0"), createWordFilter(["나비"]))).to.equal(
      (297n ** 3n - 2n * 297n) * 10n,
    );
    // The digit between the syllables does not hide the word.
    expect(countCodes(formatOf("가0가0"), createWordFilter(["나비"]))).to.equal((297n ** 2n - 1n) * 100n);
  });

  it("loses less than a tenth of the default format and at most 17 % of the worst one to blocked words", () => {
    const lost = (pattern: string) =>
      1 - Number(countCodes(formatOf(pattern))) / Number(formatOf(pattern).space);
    expect(lost("가가가가가가0000")).to.be.within(0.05, 0.1);
    // The worst of all 2,018 patterns; searched once, see docs/codes.md.
    expect(lost("000000000가")).to.be.within(0.1, 0.17);
  });

  it("lets the default format have 5,000,000 codes, and makes practically none of them again", () => {
    const check = checkSpace(DEFAULT_CODE_FORMAT, 5_000_000);
    expect(check.ok && check.codes).to.equal(countCodes(DEFAULT_CODE_FORMAT));
    expect(check.ok && check.expectedCollisions).to.be.below(1e-4);
    expect(checkSpace(DEFAULT_CODE_FORMAT, 5_000_000, 1_000_000_000).ok).to.equal(true);
  });

  it("refuses small formats with the arithmetic", () => {
    const codes = countCodes(formatOf("가가00")).toLocaleString("en-US");
    expect(messageOf("가가00", 100_000)).to.equal(
      `code_format 가가00 has 297 × 297 × 10 × 10 = 8,820,900 codes, ${codes} of them without a blocked word; ` +
        "100,000 coupons need at least 100,000,000,000 " +
        "(a guess must not succeed more often than once in 1,000,000); this format has room for 8 more: use a longer one",
    );
    expect(messageOf("가0가0", 9)).to.match(/^code_format 가0가0 has 297 × 10 × 297 × 10 = 8,820,900 codes/);
    expect(messageOf("가000", 1))
      .to.include("; 1 coupon needs at least 1,000,000 ")
      .and.include("room for 0 more");
  });

  it("counts the codes that exist already", () => {
    expect(checkSpace(formatOf("가가00"), 8, 0).ok).to.equal(true);
    expect(checkSpace(formatOf("가가00"), 3, 5).ok).to.equal(true);
    expect(messageOf("가가00", 3, 6))
      .to.include("3 coupons and the 6 codes there already are need at least 9,000,000 ")
      .and.include("room for 2 more");
    expect(messageOf("가가00", 1, 1_000)).to.include("room for 0 more");
  });

  it("draws the line exactly", () => {
    for (const pattern of ["가가0000", "가가가000", "가0가0가"]) {
      const room = Number(countCodes(formatOf(pattern)) / CODES_PER_COUPON);
      const check = checkSpace(formatOf(pattern), room);
      expect(check.ok).to.equal(true);
      expect(check.ok && check.expectedCollisions).to.be.at.most(room / 1_000_000);
      expect(checkSpace(formatOf(pattern), room + 1).ok).to.equal(false);
    }
  });

  it("throws on counts that a caller must have refused", () => {
    for (const total of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => checkSpace(DEFAULT_CODE_FORMAT, total)).to.throw(RangeError, "total");
    }
    for (const existing of [-1, 0.5, Number.NaN]) {
      expect(() => checkSpace(DEFAULT_CODE_FORMAT, 1, existing)).to.throw(RangeError, "existing");
    }
  });
});
