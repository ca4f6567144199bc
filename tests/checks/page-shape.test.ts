import { expect } from "chai";
import { longLines, tooLarge } from "../../checks/page-shape.mjs";

const long = "word ".repeat(25).trim();

describe("checks: the shape of a page", () => {
  it("a page beyond its bytes is red; a Hangul syllable has three", () => {
    expect(tooLarge("README.md", "가".repeat(3_333), 10_000)).to.deep.equal([]);
    expect(tooLarge("README.md", "가".repeat(3_334), 10_000)).to.deep.equal([
      "README.md has 10002 bytes, more than 10000",
    ]);
  });

  it("a line beyond 120 columns is red; a Hangul syllable takes two", () => {
    expect(longLines("a.md", long.slice(0, 120))).to.deep.equal([]);
    expect(longLines("a.md", `short\n${long}`)).to.deep.equal(["a.md:2 has 124 columns, more than 120"]);
    expect(longLines("a.md", `${"쿠".repeat(60)} 폰`)).to.deep.equal([
      "a.md:1 has 123 columns, more than 120",
    ]);
  });

  it("tables, headings, blocks of code and what has no place to break stay as they are", () => {
    const page = `| ${long} |\n# ${long}\n\`\`\`\n${long}\n\`\`\`\n- [x](${"y".repeat(130)})\n`;
    expect(longLines("a.md", page)).to.deep.equal([]);
  });
});
