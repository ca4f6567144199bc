import { expect } from "chai";
import { anchorsOf, codeSpansOf, fencesOf, tablesIn, withoutFences } from "../../checks/markdown.mjs";

const PAGE = `# Page

| a | b |
|---|---|
| \`x\` | 1 \\| 2 |

## When \`it\` fails: [why](w.md)

\`\`\`sh
echo hi  # | not | a table |
\`\`\`

~~~
\`\`\`
~~~

| c |
|---|
| d |
`;

describe("checks: what is read of a page", () => {
  it("tables belong to the heading above them; blocks of code hold none", () => {
    expect(tablesIn(PAGE, "Page")).to.deep.equal([
      { section: "Page", head: ["a", "b"], rows: [["`x`", "1 \\| 2"]] },
    ]);
    expect(tablesIn(PAGE, "When `it` fails: [why](w.md)").map(({ rows }) => rows)).to.deep.equal([[["d"]]]);
  });

  it("blocks of code with their language, one fence within another kind of fence", () => {
    expect(fencesOf(PAGE)).to.deep.equal([
      { language: "sh", text: "echo hi  # | not | a table |" },
      { language: "", text: "```" },
    ]);
    expect(withoutFences(PAGE)).not.to.include("echo");
  });

  it("code spans over a line end, and anchors as GitHub makes them", () => {
    expect(codeSpansOf("a `b\nc` and ``d ` e``")).to.deep.equal(["b c", "d ` e"]);
    expect([...anchorsOf(`${PAGE}\n# Page\n`)]).to.deep.equal(["page", "when-it-fails-why", "page-1"]);
  });
});
