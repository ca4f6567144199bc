import { expect } from "chai";
import fc from "fast-check";
import { csvCell, csvRow } from "../../operator/csv.ts";

/** An independent reader of RFC 4180. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quoted && character === '"' && text[at + 1] === '"') {
      cell += '"';
      at++;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && character === ",") {
      row.push(cell);
      cell = "";
    } else if (!quoted && character === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else cell += character;
  }
  return rows;
}

describe("cli csv", () => {
  const cells: [value: string | number, cell: string][] = [
    ["plain", "plain"],
    ["", ""],
    [-5, "-5"],
    ["가나다0123", "가나다0123"],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    [" padded ", '" padded "'],
    ["a;b", '"a;b"'],
    ["a;=1+1;b", `"a;'=1+1;b"`],
    ['a; "@x', `"a;' ""@x"`],
    ["=1+1", "'=1+1"],
    ["+8210", "'+8210"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", '"\'\tx"'],
    ["＝1", "'＝1"],
    ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
  ];
  for (const [value, cell] of cells) {
    it(`writes ${JSON.stringify(value)}`, () => {
      expect(csvCell(value)).to.equal(cell);
    });
  }

  it("is read back as written, and no text cell starts a formula", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 5 }), (values) => {
        const read = readCsv(csvRow(values));
        expect(read).to.have.length(1);
        const cellsRead = read[0] ?? [];
        for (const cell of cellsRead) expect(cell).not.to.match(/^[=+\-@\t\r＝＋－＠]/);
        expect(cellsRead.map((cell, index) => (cell === values[index] ? cell : cell.slice(1)))).to.deep.equal(
          values,
        );
      }),
    );
  });
});
