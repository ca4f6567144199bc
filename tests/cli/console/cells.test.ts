import { expect } from "chai";
import fc from "fast-check";
import { cellsOf, clipped, fitted } from "../../../cli/console/cells.ts";

describe("console cells", () => {
  const widths: [text: string, cells: number][] = [
    ["", 0],
    ["Winter 2026", 11],
    ["크리스마스", 10],
    // The same text, decomposed: some keyboards produce this.
    ["크리스마스".normalize("NFD"), 10],
    ["겨울 sale ★", 11],
    ["カタカナ漢字", 12],
    ["ﾊﾝｶｸ", 4],
    ["ＷＩＤＥ", 8],
    ["é", 1],
    ["e\u0301", 1],
    ["🎄", 2],
    ["👨‍👩‍👧‍👦!", 3],
    ["🇰🇷", 2],
    ["❤️", 2],
    ["a\u200bb", 2],
    ["▁▂█░ → ± …", 10],
    ["𠀀", 2],
    // A vowel that stands beside its consonant: one letter with it for a reader, a cell of its own on a
    // terminal.
    ["น\u0e33", 2],
    ["क\u093f", 2],
    ["क\u094dष", 2],
    ["1\ufe0f\u20e3", 2],
    ["©", 1],
    ["👍🏽", 2],
    ["a🏽", 3],
    ["🏳️‍🌈", 2],
    ["🈀", 2],
    ["\u0301", 0],
    ["가\u11a8", 2],
  ];
  for (const [text, cells] of widths) {
    it(`${JSON.stringify(text)} takes ${cells}`, () => expect(cellsOf(text)).to.equal(cells));
  }

  it("clips between characters, never inside one that is two wide", () => {
    expect(clipped("크리스마스", 10)).to.equal("크리스마스");
    expect(clipped("크리스마스", 9)).to.equal("크리스마…");
    expect(clipped("크리스마스", 8)).to.equal("크리스…");
    expect(clipped("크리스마스", 2)).to.equal("…");
    expect(clipped("크리스마스", 1)).to.equal("…");
    expect(clipped("크리스마스", 0)).to.equal("");
    expect(clipped("Christmas", 5, "~")).to.equal("Chri~");
  });

  it("fits exactly, on either side, whatever the text", () => {
    const texts = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: fc.constantFrom("가", "힣", "a", "🎄", "e\u0301", " ", "漢") }),
    );
    fc.assert(
      fc.property(
        texts,
        fc.nat(40),
        fc.constantFrom("left" as const, "right" as const),
        (text, cells, side) => {
          expect(cellsOf(fitted(text, cells, side))).to.equal(cells);
          const shown = clipped(text, cells);
          expect(cellsOf(shown)).to.be.at.most(cells);
          expect(text.startsWith(shown.replace(/…$/, "")) || shown === text).to.equal(true);
        },
      ),
    );
  });
});
