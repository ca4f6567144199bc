import { expect } from "chai";
import fc from "fast-check";
import { DEFAULT_CODE_FORMAT, parseCodeFormat } from "../../codes/code-format.ts";
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
  "; a code format is 4 to 10 characters, each 가 (a Hangul syllable) or 0 (a digit), at least one of each, or as the last one # (a check character), such as 가가가가가가0000 or 가가가가가가000#";

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

  it("accepts 4 and 10 characters, refuses 3 and 11", () => {
    expect(formatOf("가가00").length).to.equal(4);
    expect(formatOf("가가가가가00000").length).to.equal(10);
    expect(messageOf("가00")).to.equal(`code_format has 3 characters, too few${ALLOWED}`);
    expect(messageOf("0")).to.equal(`code_format has 1 character, too few${ALLOWED}`);
    expect(messageOf("가가가가가가00000")).to.equal(`code_format has 11 characters, too many${ALLOWED}`);
  });

  it("refuses an empty pattern and one without a syllable or a digit", () => {
    expect(messageOf("")).to.equal(`code_format is empty${ALLOWED}`);
    expect(messageOf("0000")).to.equal(`code_format has no syllable (가)${ALLOWED}`);
    expect(messageOf("가가가가")).to.equal(`code_format has no digit (0)${ALLOWED}`);
  });

  it("names an unknown character with its position and code point", () => {
    for (const [input, named] of [
      ["가나00", `"나" (U+B098) at position 2`],
      ["가가0O", `"O" (U+004F) at position 4`],
      ["가가-00", `"-" (U+002D) at position 3`],
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
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom("가", "0", "나", "#") })),
        (input) => {
          const expected = /^(?=.*가)(?=.*0)(?=.{4,10}$)[가0]+#?$/u.test(input.normalize("NFC"));
          expect(parseCodeFormat(input).ok).to.equal(expected);
        },
      ),
    );
  });
});
