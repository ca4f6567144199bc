import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { environment } from "../../cli/environment.ts";
import { manual } from "../../cli/manual.ts";
import { commands, globalOptions } from "../../cli/vocabulary.ts";
import { repositoryDir } from "../../local/repository.ts";
import { runCli } from "../support/run-cli.ts";

const page = readFileSync(join(repositoryDir, "docs", "cli.md"), "utf8");

describe("cli manual", () => {
  it("docs/cli.md is what the program says now", () => {
    expect(page === manual(), "docs/cli.md is old: npm run manual").to.equal(true);
  });

  // Read from the page itself, so that a mistake in generating it shows too.
  for (const { name, options, examples } of commands) {
    it(`has ${name} with every flag and example`, () => {
      const section = page.split(/^## /m).find((text) => text.startsWith(`coupon ${name}\n`)) ?? "";
      expect(page).to.include(`(#coupon-${name})`);
      for (const { flags, hidden } of options)
        expect(section.includes(`\`${flags}\``), flags).to.equal(hidden !== true);
      for (const example of examples) expect(section).to.include(example);
    });
  }

  it("has what every verb takes", () => {
    for (const { flags } of globalOptions) expect(page).to.include(`\`${flags}\``);
  });

  it("has the verbs and flags that the real help has", async () => {
    for (const args of [[], ["create"], ["find"]]) {
      const { stdout } = await runCli([...args, "--help"]);
      const flags = [...stdout.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, flag]) => flag);
      expect(flags.length).to.be.greaterThan(3);
      for (const flag of flags) expect(page).to.match(new RegExp(`\`(coupon )?${flag}[ \`]`));
    }
  });

  it("names every variable that the program reads, and no other", () => {
    const files = readdirSync(join(repositoryDir, "cli"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join("cli", file));
    const sources = [...files, join("runtime", "local-key-file.ts")]
      .map((file) => readFileSync(join(repositoryDir, file), "utf8"))
      .join("\n");
    const read = [...sources.matchAll(/\benv(?:\["|, ")(\w+)"/g)].map(([, name]) => name);
    const settings = [...sources.matchAll(/given\("(\w+)"\)/g)].map(
      ([, name = ""]) => `COUPON_${name.toUpperCase()}`,
    );
    expect(environment.map(({ name }) => name)).to.have.members([...new Set([...read, ...settings])]);
    for (const { name } of environment) expect(page).to.include(`\`${name}\``);
  });
});
