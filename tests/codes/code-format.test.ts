import { expect } from "chai";
import fc from "fast-check";
import { DRAWN, SYLLABLES } from "../../codes/alphabet.ts";
import { DEFAULT_CODE_FORMAT, isNewPattern, parseCodeFormat } from "../../codes/code-format.ts";
import { formatOf } from "./reference.ts";

const messageOf = (input: string): string => {
  const parsed = parseCodeFormat(input);
  return parsed.ok ? expect.fail(`${input} was accepted`) : parsed.message;
};
const validPattern = fc
  .array(fc.constantFrom("가", "0"), { minLength: 4, maxLength: 10 })
  .filter((kinds) => kinds.includes("가") && kinds.includes("0"))
  .map((kinds) => kinds.join(""));
const ALLOWED =
  "; a code format is 4 to 32 characters, each 가 (a Hangul syllable), 0 (a digit), A (a letter) or # (a letter or digit; last after 가 and 0: a check character), optionally after a prefix and a hyphen, such as 가가가가가가0000, 가가가가가가000# or SUMMER-AAAA0000";

describe("code format", () => {
  it("reads the default, with its exact space and entropy", () => {
    const format = formatOf("가가가가가가0000");
    expect(format).to.deep.equal(DEFAULT_CODE_FORMAT);
    expect(format.length).to.equal(10);
    expect(format.space).to.equal(297n ** 6n * 10n ** 4n);
    expect(format.space).to.equal(6_863_390_289_133_290_000n);
    expect(format.entropyBits).to.be.closeTo(62.574, 0.001);
  });

  it("accepts every valid pattern, in NFC and NFD alike (property)", () => {
    fc.assert(
      fc.property(validPattern, (pattern) => {
        const format = formatOf(pattern);
        expect(format.pattern).to.equal(pattern);
        expect(format.length).to.equal([...pattern].length);
        expect(format.slots.map((slot) => (slot.kind === "syllable" ? "가" : "0")).join("")).to.equal(
          pattern,
        );
        const syllables = BigInt([...pattern].filter((kind) => kind === "가").length);
        expect(format.space).to.equal(297n ** syllables * 10n ** (BigInt(format.length) - syllables));
        expect(2 ** format.entropyBits / Number(format.space)).to.be.closeTo(1, 1e-9);
        expect(parseCodeFormat(pattern.normalize("NFD"))).to.deep.equal({ ok: true, format });
      }),
    );
  });

  it("counts code points after NFC: ten decomposed characters are ten", () => {
    const decomposed = "가가가가가가가가가0".normalize("NFD");
    expect(decomposed.length).to.equal(19);
    expect(formatOf(decomposed).length).to.equal(10);
  });

  it("accepts 4 and 32 characters, refuses 3 and 33, the prefix counted with them", () => {
    expect(formatOf("가가00").length).to.equal(4);
    expect(formatOf("0".repeat(32)).length).to.equal(32);
    expect(formatOf(`SUMMER-${"A".repeat(26)}`).length).to.equal(32);
    expect(messageOf("가00")).to.equal(`code_format has 3 characters, too few${ALLOWED}`);
    expect(messageOf("0")).to.equal(`code_format has 1 character, too few${ALLOWED}`);
    expect(messageOf("SUMMER-000")).to.equal(
      `code_format has 3 characters after its prefix, too few${ALLOWED}`,
    );
    for (const long of ["0".repeat(33), `SUMMER-${"A".repeat(27)}`])
      expect(messageOf(long)).to.equal(`code_format has 33 characters, too many${ALLOWED}`);
  });

  it("refuses an empty pattern", () => {
    expect(messageOf("")).to.equal(`code_format is empty${ALLOWED}`);
  });

  it("draws letters, and digits beside them, without what looks like another character", () => {
    const charactersOf = (pattern: string) =>
      formatOf(pattern).slots.map(({ firstSymbol, size }) =>
        DRAWN.slice(firstSymbol, firstSymbol + size).join(""),
      );
    const [letters, clear, all] = ["BCDFGHJKMPQRTVWXY", "234679", "BCDFGHJKMPQRTVWXY234679"];
    expect(charactersOf("A0#0")).to.deep.equal([letters, clear, all, clear]);
    expect(charactersOf("0000")).to.deep.equal(Array(4).fill("0123456789"));
    expect(charactersOf("SUMMER-0000")).to.deep.equal(Array(4).fill("0123456789"));
    expect(charactersOf("가000#")).to.deep.equal([SYLLABLES.join(""), ...Array(3).fill("0123456789")]);
    expect(all).not.to.match(/[AEIOULNSZ0158]/);
    expect(formatOf("A0A0A0").space).to.equal(17n ** 3n * 6n ** 3n);
  });

  it("reads a prefix before the hyphen, in any case and form", () => {
    expect(formatOf("SUMMER-AAAA0000")).to.include({ prefix: "SUMMER", length: 14 });
    expect(formatOf("summer-AAAA0000")).to.deep.equal(formatOf("SUMMER-AAAA0000"));
    expect(formatOf("여름1-가가00".normalize("NFD"))).to.include({
      prefix: "여름1",
      pattern: "여름1-가가00",
    });
    expect(formatOf("AAAA0000").prefix).to.equal("");
    for (const [input, problem] of [
      ["-AAAA0000", "has a hyphen and no prefix before it"],
      ["AAAA-0000", 'has "AAAA" before a hyphen, which can be read as a prefix or as a pattern'],
      ["a0-0000", 'has "A0" before a hyphen'],
      ["SUMMER--AAAA", `has "-" (U+002D) at position 8`],
      ["SUMMER-AAAA-0000", `has "-" (U+002D) at position 12`],
      ["SUM MER-AAAA", "has a prefix with something else"],
      ["ＳＵＭ-AAAA", "has a prefix with something else"],
      [`${"B".repeat(17)}-AAAA`, "has a prefix of 17 characters, more than 16"],
    ] as const)
      expect(messageOf(input), input).to.include(`code_format ${problem}`).and.to.include(ALLOWED);
  });

  it("knows which patterns a program of the first shape reads", () => {
    for (const old of ["가가가가가가0000", "가가가가가가000#", "0가00", "00가#"])
      expect(isNewPattern(old), old).to.equal(false);
    for (const young of [
      "가가가가",
      "00000000",
      "000#",
      "가가가가가가00000",
      "A가00",
      "여름-가가00",
      "0#가0",
      "",
    ])
      expect(isNewPattern(young), young).to.equal(true);
  });

  it("names an unknown character with its position and code point", () => {
    for (const [input, named] of [
      ["가나00", `"나" (U+B098) at position 2`],
      ["가가0O", `"O" (U+004F) at position 4`],
      [" 가가00", "U+0020 at position 1"],
      ["가가00\n", "U+000A at position 5"],
      ["가\u200b가00", "U+200B at position 2"],
      ["가가0０", `"０" (U+FF10) at position 4`],
      ["가😀00", `"😀" (U+1F600) at position 2`],
      ["가\ud83d00", "U+D83D at position 2"],
      ["\u1100가00", `"\u1100" (U+1100) at position 1`],
      [`${"가".normalize("NFD")}x00`, `"x" (U+0078) at position 2`],
    ] as const) {
      expect(messageOf(input)).to.equal(`code_format has ${named}${ALLOWED}`);
    }
  });

  it("never throws and never accepts anything else (property)", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.string({ unit: fc.constantFrom("가", "0", "나", "#", "A", "b", "-"), maxLength: 40 }),
        ),
        (input) => {
          const text = input.normalize("NFC");
          const isPattern = /^(?:(?=.*[^가0Aa].*-)[가-힣0-9A-Za-z]{1,16}-)?[가0A#]{4,}$/u.test(text);
          const drawn = text.slice(text.indexOf("-") + 1);
          const isLong =
            text.replace("-", "").length > 32 || (/^[가0]*가[가0]*#$/u.test(drawn) && drawn.length > 10);
          const expected = isPattern && !isLong;
          expect(parseCodeFormat(input).ok).to.equal(expected);
        },
      ),
    );
  });
});
