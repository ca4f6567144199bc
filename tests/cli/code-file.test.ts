import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { rowsOf } from "../../cli/code-file.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("the rows of a file of codes", () => {
  const dir = temporaryDir();
  after(() => dir.remove());

  async function read(name: string, content: string | Buffer) {
    const path = join(dir.path, name);
    writeFileSync(path, content);
    const rows: (readonly [number, string, boolean?])[] = [];
    for await (const { line, text, isHeadless } of rowsOf(path))
      rows.push(isHeadless ? [line, text, true] : [line, text]);
    return rows;
  }
  const refusalOf = (name: string, content: string) =>
    read(name, content).then(
      () => expect.fail("it was read"),
      (error: Error) => error.message,
    );

  it("are those of the column code, whatever the line ends, the byte order mark and the blank lines", async () => {
    const rows = [
      [2, "AB1"],
      [3, "CD2"],
    ];
    for (const text of ["code\nAB1\nCD2", "\ufeffCode\r\nAB1\r\nCD2\r\n", "n;CODE\n1;AB1\n2;CD2\n"])
      expect(await read("a.csv", text), JSON.stringify(text)).to.deep.equal(rows);
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("code\nAB1\nCD2\n", "utf16le")]);
    expect(await read("a.csv", utf16)).to.deep.equal(rows);
    expect(await read("a.csv", "code\n\n\nAB1\n")).to.deep.equal([[4, "AB1"]]);
    expect(await read("a.jsonl", '\ufeff"AB1"\n\n{"code":"CD2"}\n{"code":1}')).to.deep.equal([
      [1, "AB1"],
      [3, "CD2"],
      [4, ""],
    ]);
  });

  it("without a heading are those of the only column, and of several none is guessed", async () => {
    expect(await read("a.csv", "Coupon\nAB1\n")).to.deep.equal([
      [1, "Coupon", true],
      [2, "AB1"],
    ]);
    expect(await refusalOf("a.csv", "id;voucher\n1;AB1\n")).to.match(
      /none of the 2 columns of .* is called code/,
    );
    expect(await refusalOf("a.csv", "sep=;\ncode;n\nAB1;1\n")).to.match(/none of the 2 columns/);
  });

  it("are not cut: not where a row has more cells than columns, nor where a quotation mark is never closed", async () => {
    expect(await read("a.csv", "code\n1,00E+05\nAB1,\nAB2,CD3\n")).to.deep.equal([
      [2, "1,00E+05"],
      [3, "AB1"],
      [4, "AB2,CD3"],
    ]);
    expect(await refusalOf("a.csv", 'code\nAB1\n"CD2\nEF3\n')).to.match(/Quote Not Closed/);
  });
});
