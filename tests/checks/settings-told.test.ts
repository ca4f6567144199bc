import { expect } from "chai";
import { exampleHolds, settingsTold } from "../../checks/settings-told.mjs";

const PAGE = `## Settings

| variable | default | meaning |
|---|---|---|
| \`STORE\` | required | where |
| \`PORT\` | \`8080\` | the port |
| \`TOKEN\` | none | secret |
| \`LOCAL_DIR\` | any | local stack |
`;
const settings = {
  names: ["STORE", "PORT", "TOKEN"],
  defaults: { PORT: 8080, TOKEN: undefined },
  local: ["LOCAL_DIR"],
};

describe("checks: the table of settings", () => {
  const told = (page: string) => settingsTold(page, settings);

  it("that has each setting and its default is right", () => {
    expect(told(PAGE)).to.deep.equal([]);
  });

  it("lacks one, has one too many, or has another default: red", () => {
    expect(told(PAGE.replace(/.*TOKEN.*\n/, ""))).to.deep.equal([
      "docs/configuration.md does not have the setting TOKEN",
    ]);
    expect(told(PAGE.replace("LOCAL_DIR", "LOCAL_OTHER"))).to.deep.equal([
      "docs/configuration.md does not have the setting LOCAL_DIR",
      "docs/configuration.md has LOCAL_OTHER, which is no setting",
    ]);
    expect(told(PAGE.replace("8080", "8081"))).to.deep.equal([
      "docs/configuration.md gives PORT the default 8081: it is 8080",
    ]);
  });
});

describe("checks: .env.example", () => {
  const EXAMPLE =
    "# where\n#STORE=x\n# the port\n#PORT=8080\n# secret\n#TOKEN=y\n# local stack\n#LOCAL_DIR=z\n";
  const held = (example: string) => exampleHolds(example, PAGE);

  it("with every setting of the table, its meaning and its default is right", () => {
    expect(held(EXAMPLE)).to.deep.equal([]);
  });

  it("that lacks one, or has one too many or twice: red", () => {
    expect(held(EXAMPLE.replace("# secret\n#TOKEN=y\n", ""))).to.deep.equal([
      ".env.example does not have the setting TOKEN",
    ]);
    expect(held(`${EXAMPLE}# more\n#MORE=1\n`)).to.deep.equal([".env.example has MORE, which is no setting"]);
    expect(held(`${EXAMPLE}# again\n#PORT=8080\n`)).to.deep.equal([".env.example has PORT twice"]);
  });

  it("with another default, no meaning, or a setting that is no comment: red", () => {
    expect(held(EXAMPLE.replace("8080", "80"))).to.deep.equal([
      ".env.example gives PORT the default 80: docs/configuration.md says 8080",
    ]);
    expect(held(EXAMPLE.replace("# the port\n", ""))).to.deep.equal([
      ".env.example does not say what PORT means, in the line above",
    ]);
    expect(held(EXAMPLE.replace("#TOKEN", "TOKEN"))).to.deep.equal([
      ".env.example sets TOKEN: an example is a comment",
    ]);
  });
});
