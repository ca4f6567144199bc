import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";

type Config = {
  readonly spec: readonly string[];
  readonly ignore: readonly string[];
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

describe("npm run test:quick", () => {
  const { scripts } = readJson("package.json") as { scripts: Record<string, string> };
  const { spec, ignore, ...how } = readJson(".mocharc.quick.json") as Config;

  it("runs its tests as npm test does, with the same set-up, and all that are not named slow", () => {
    expect(how).to.deep.equal(readJson(".mocharc.json"));
    const [whole = "", quick = ""] = [scripts["test"], scripts["test:quick"]];
    expect(quick.split(" && ")[0]).to.equal(whole.split(" && ")[0]);
    expect(spec).to.deep.equal([/'(.*)'$/.exec(whole)?.[1]]);
  });

  it("names as slow what is there, and each folder of tests is in it or named", () => {
    const all = filesOf(spec);
    const quick = new Set(filesOf(spec, ignore));
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
