import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";

const folder = `${repositoryDir}/pool/lua`;

/** The statements of a Lua file, without its comments and blank lines. */
const statementsOf = (text: string): string[] =>
  text.split("\n").filter((line) => line.trim() !== "" && !/^\s*(--|#!)/.test(line));

/** The lines that use KEYS or ARGV outside the bindings at the head of a script. */
function wrongHead(text: string): string[] {
  const statements = statementsOf(text);
  const isBinding = (line: string): boolean => /^local [\w, ]+ = /.test(line);
  const headEnd = statements.findIndex((line) => !isBinding(line));
  return statements.filter((line, index) => /\b(KEYS|ARGV)\[\d+\]/.test(line) && index >= headEnd);
}

describe("Lua scripts", () => {
  const files = readdirSync(folder);
  const textOf = (file: string): string => readFileSync(`${folder}/${file}`, "utf8");

  it("bind KEYS and ARGV to names at their head", () => {
    const wrong = files.flatMap((file) => wrongHead(textOf(file)).map((line) => `${file}: ${line}`));
    expect(wrong).to.deep.equal([]);
    expect(wrongHead("local a_key = KEYS[1]\nredis.call('GET', a_key)\nreturn ARGV[1]")).to.deep.equal([
      "return ARGV[1]",
    ]);
  });

  it("give a pool up, and choose the list of a state, in one place", () => {
    const naming = (part: RegExp) => files.filter((file) => part.test(statementsOf(textOf(file)).join("\n")));
    expect(naming(/meta_key, 'token', ''/)).to.deep.equal(["include-pool.lua"]);
    expect(naming(/== 'cancelled'/)).to.deep.equal(["include-pool.lua"]);
  });
});
