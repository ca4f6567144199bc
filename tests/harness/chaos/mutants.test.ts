import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { repositoryDir } from "../../../local/repository.ts";
import { mutants } from "./mutants/mutants.ts";
import { fileOf, patched } from "./mutants/patch.ts";
import { isQuick } from "./round.ts";
import { catalogue } from "./rounds/catalogue.ts";

describe("chaos: rounds and mutants", () => {
  it("every round has a name of its own, and about ten are quick", () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(catalogue.filter((round) => isQuick(round, "single")).length).to.be.within(8, 15);
  });

  for (const { name, patches, round } of mutants) {
    it(`${name}: each patch still fits the product exactly once, and its round exists`, () => {
      expect(catalogue.map((one) => one.name)).to.include(round);
      const texts = new Map<string, string>();
      for (const patch of patches) {
        const file = fileOf(patch, "source");
        const text = texts.get(file) ?? readFileSync(join(repositoryDir, file), "utf8");
        texts.set(file, patched(text, patch));
      }
    });
  }

  it("a patch that fits nowhere, or twice, is an error", () => {
    const patch = { file: "x", search: "one", replace: "two" };
    expect(patched("a one b", patch)).to.equal("a two b");
    for (const text of ["none", "one one"]) {
      if (text === "none") expect(() => patched("nothing", patch)).to.throw("fits 0 times");
      else expect(() => patched(text, patch)).to.throw("fits 2 times");
    }
  });
});
