import { expect } from "chai";
import { pageDifferences } from "../../checks/same-page.mjs";

const ENGLISH = `Start it:

\`\`\`sh
npm start   # in one terminal
# Then ask:
curl -s "http://127.0.0.1:8080/#x"
\`\`\`

| what | how |
|---|---|
| start | \`npm start\`, \`npm test\` |
`;
const KOREAN = `시작합니다.

\`\`\`sh
npm start   # 한 터미널에서
# 그리고 요청합니다.
curl -s "http://127.0.0.1:8080/#x"
\`\`\`

| 무엇 | 방법 |
|---|---|
| 시작 | \`npm test\`와 \`npm start\` |
`;
const differences = (other: string) => pageDifferences(["en.md", ENGLISH], ["ko.md", other]);

describe("checks: a page in two languages", () => {
  it("the same commands and tables, comments and words aside: right", () => {
    expect(differences(KOREAN)).to.deep.equal([]);
  });

  it("another command, a command more, a block less: red", () => {
    expect(differences(KOREAN.replace("/#x", "/#y"))).to.deep.equal([
      'en.md and ko.md: block 1 differs: "curl -s \\"http://127.0.0.1:8080/#x\\"" and "curl -s \\"http://127.0.0.1:8080/#y\\""',
    ]);
    expect(differences(KOREAN.replace("npm start ", "npm ci\nnpm start "))).to.have.length(1);
    expect(differences(KOREAN.replace(/```[\s\S]*```/, ""))).to.deep.equal([
      "en.md and ko.md: 1 and 0 blocks of code",
    ]);
  });

  it("a row more, other code in a cell, a table less: red", () => {
    expect(differences(`${KOREAN}| 끝 | |\n`)).to.deep.equal(["en.md and ko.md: table 1 has 1 and 2 rows"]);
    expect(differences(KOREAN.replace("`npm test`와 ", ""))).to.deep.equal([
      "en.md and ko.md: table 1, row 1: npm start, npm test and npm start",
    ]);
    expect(differences(KOREAN.replace(/\|[\s\S]*\|/, ""))).to.deep.equal(["en.md and ko.md: 1 and 0 tables"]);
  });
});
