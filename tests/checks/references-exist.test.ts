import { expect } from "chai";
import { missingReferences } from "../../checks/references-exist.mjs";

const repository = {
  scripts: ["start", "check"],
  tree: new Set(["README.md", "docs", "docs/a.md", "docs/b.md", "pool", "pool/keys.ts"]),
};
const missing = (text: string, file = "docs/a.md") =>
  missingReferences(
    [
      { file, text },
      { file: "docs/b.md", text: "# The heading\n" },
    ],
    repository,
  );

describe("checks: what pages refer to", () => {
  it("scripts, links, anchors, files and folders that exist are right", () => {
    const text = `# Here
\`npm run check\`, \`npm start\`, [b](b.md#the-heading), [top](../README.md), [here](#here), [web](https://a.example/b),
\`pool/keys.ts\`, \`pool/\`, \`read/write\`, \`docs/0001-….md\`
\`\`\`sh
npm run -s check
\`\`\`
`;
    expect(missing(text)).to.deep.equal([]);
  });

  it("a script that is not in package.json is red, in a sentence and in a block", () => {
    expect(missing("`npm run chek -- --all`")).to.deep.equal([
      "docs/a.md: npm run chek is no script of package.json",
    ]);
    expect(missing("```sh\nnpm test\n```\n")).to.deep.equal([
      "docs/a.md: npm run test is no script of package.json",
    ]);
  });

  it("a link that leads nowhere, or to no heading, is red", () => {
    expect(missing("[c](c.md)")).to.deep.equal(["docs/a.md: the link c.md leads nowhere"]);
    expect(missing("[b](docs/b.md)")).to.deep.equal(["docs/a.md: the link docs/b.md leads nowhere"]);
    expect(missing("[b](b.md#another)")).to.deep.equal([
      "docs/a.md: the link b.md#another leads to no heading of docs/b.md",
    ]);
  });

  it("a file that was moved is red", () => {
    expect(missing("see `pool/names.ts`")).to.deep.equal(["docs/a.md: there is no pool/names.ts"]);
  });
});
