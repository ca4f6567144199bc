import { expect } from "chai";
import { benchmarks } from "../../bench/rates/benchmarks.ts";
import { readOptions, usageOf } from "../../bench/rates/options.ts";
import { Trouble } from "../../bench/trouble.ts";

const read = (...args: string[]) => readOptions(args, benchmarks);

describe("bench: flags", () => {
  it("without any, every benchmark runs with an effort of its own", () => {
    const { chosen, effortOf, charts, help } = read();
    expect(chosen).to.deep.equal(benchmarks);
    expect({ charts, help }).to.deep.equal({ charts: false, help: false });
    for (const benchmark of benchmarks) expect(effortOf(benchmark)).to.deep.equal(benchmark.effort);
  });

  it("--only takes the named ones, in the order in which they always run", () => {
    expect(read("--only", "refusals,claims_64").chosen.map(({ name }) => name)).to.deep.equal([
      "claims_64",
      "refusals",
    ]);
  });

  it("--rounds and --seconds win over each benchmark's own, one by one", () => {
    const [first] = benchmarks;
    if (first === undefined) throw new Error("no benchmarks");
    expect(read("--rounds", "9").effortOf(first)).to.deep.equal({ ...first.effort, rounds: 9 });
    expect(read("--seconds", "7").effortOf(first)).to.deep.equal({ ...first.effort, seconds: 7 });
  });

  for (const args of [
    ["--only", "nothing"],
    ["--only", ""],
    ["--rounds", "0"],
    ["--seconds", "61"],
    ["--seconds", "1.5"],
    ["--round", "1"],
    ["claims_64"],
  ])
    it(`refuses ${JSON.stringify(args.join(" "))}`, () => {
      expect(() => read(...args)).to.throw(Trouble);
    });

  it("the help names every benchmark once, and every flag", () => {
    const usage = usageOf(benchmarks);
    for (const { name, what } of benchmarks) {
      expect(usage.split("\n").filter((line) => line.startsWith(`  ${name} `))).to.have.length(1);
      expect(usage).to.include(what);
    }
    for (const flag of ["--only", "--rounds", "--seconds", "--charts", "--help"])
      expect(usage).to.include(flag);
    expect(new Set(benchmarks.map(({ name }) => name)).size).to.equal(benchmarks.length);
  });
});
