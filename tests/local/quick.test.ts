import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";

type Config = {
  readonly spec: readonly string[];
  readonly ignore?: readonly string[];
  readonly [key: string]: unknown;
};
type Glob = {
  globSync(
    pattern: string | readonly string[],
    options: { cwd: string; ignore?: readonly string[] },
  ): string[];
};

const readJson = (file: string) => JSON.parse(readFileSync(join(repositoryDir, file), "utf8"));
// The glob that mocha itself uses to find its files.
const { globSync } = createRequire(createRequire(import.meta.url).resolve("mocha"))("glob") as Glob;
const filesOf = (pattern: string | readonly string[], ignore: readonly string[] = []) =>
  globSync(pattern, { cwd: repositoryDir, ignore });

const { scripts } = readJson("package.json") as { scripts: Record<string, string> };
const configOf = (script: string) => {
  const name = /--config (\S+)$/.exec(scripts[script] ?? "")?.[1] ?? "";
  const { spec, ignore = [], ...how } = readJson(name) as Config;
  return { spec, ignore, how, files: filesOf(spec, ignore) };
};
const setUpOf = (script: string) => scripts[script]?.split(" && ")[0];

describe("npm test and npm run test:long", () => {
  const [usual, long] = [configOf("test"), configOf("test:long")];

  it("run each test file, one of them, in the same way", () => {
    for (const { how } of [usual, long]) expect(how).to.deep.equal(readJson(".mocharc.json"));
    expect(setUpOf("test:long")).to.equal(setUpOf("test"));
    expect(usual.ignore).to.deep.equal(long.spec);
    expect(filesOf("tests/**/*.test.ts").toSorted()).to.deep.equal(
      [...usual.files, ...long.files].toSorted(),
    );
  });

  it("name as long what is there", () => {
    // mocha parts a spec at its commas, also within braces, and passes over what it does not find.
    for (const pattern of long.spec) expect(filesOf(pattern), pattern).to.deep.equal([pattern]);
  });
});

describe("npm run test:quick", () => {
  const { spec, ignore, how, files } = configOf("test:quick");

  it("runs its tests as npm test does, with the same set-up but for the browser, and all that are not named slow", () => {
    const usual = configOf("test");
    expect(how).to.deep.equal(usual.how);
    // No quick test opens a browser, so that the set-up need not install one.
    expect(setUpOf("test:quick")).to.equal(setUpOf("test")?.replace(" --browser", ""));
    expect(spec).to.deep.equal(usual.spec);
    expect(files.filter((file) => !usual.files.includes(file))).to.deep.equal([]);
  });

  it("names as slow what is there, and each folder of tests is in it or named", () => {
    const all = filesOf(spec);
    const quick = new Set(files);
    for (const slow of ignore)
      expect(
        filesOf(slow).filter((file) => all.includes(file)),
        slow,
      ).not.to.deep.equal([]);
    const folders = readdirSync(join(repositoryDir, "tests"));
    const inIt = folders.filter((folder) => [...quick].some((file) => file.startsWith(`tests/${folder}/`)));
    const named = folders.filter((folder) => ignore.includes(`tests/${folder}/**`));
    expect([...inIt, ...named].sort()).to.deep.equal(folders.sort());
    // The main parts of the service: codes, both stores, a claim, both transports, and one running service
    // with all its protocols.
    for (const folder of ["codes", "proto", "generator", "pool", "record", "server"])
      expect(inIt).to.include(folder);
    expect(quick).to.include("tests/integration/protocols.test.ts");
  });
});
