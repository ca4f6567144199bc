import { expect } from "chai";
import { wrongShapes } from "../../checks/source-shape.mjs";

describe("npm run check: files are short, comments wrap", () => {
  const wide = `// ${"word ".repeat(21)}wo`;
  const texts: Readonly<Record<string, string>> = {
    "cli/long.ts": "x();\n".repeat(251),
    "cli/just.ts": "x();\n".repeat(250),
    "tests/cli/long.test.ts": "x();\n".repeat(900),
    "proto/gen/long.ts": `${wide}d\n`.repeat(900),
    "cli/wide.ts": `${wide}\n  x();\n${wide}d\n`,
    "cli/block.mjs": `/** ${"w ".repeat(60)} */\n * ${"w ".repeat(60)}\n`,
    "cli/address.ts": `// https://example.com/${"x".repeat(200)}\nconst text = "${"w ".repeat(100)}";\n`,
    "docs/page.md": `${wide}d\n`,
  };

  it("names what is longer or wider, by file and line, and lets tests be long", () => {
    expect(wrongShapes(Object.keys(texts), (file) => texts[file] ?? "")).to.deep.equal([
      "cli/long.ts has 251 lines, more than 250",
      "cli/wide.ts:3: a comment of 111 columns, more than 110",
      "cli/block.mjs:1: a comment of 127 columns, more than 110",
      "cli/block.mjs:2: a comment of 123 columns, more than 110",
    ]);
  });
});
