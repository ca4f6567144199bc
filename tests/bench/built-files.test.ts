import { readFileSync } from "node:fs";
import { expect } from "chai";

describe("the benchmark of a claim without the queues", () => {
  it("loads from the build the files whose types it imports", () => {
    const source = readFileSync(new URL("../../bench/rates/unqueued.ts", import.meta.url), "utf8");
    const pairs = source.matchAll(/built<typeof import\("\.\.\/\.\.\/([^"]+)\.ts"\)>\("([^"]+)\.js"\)/g);
    const files = [...pairs].map(([, typed, loaded]) => [typed, loaded]);
    expect(files).to.have.length(source.split("await built<").length - 1);
    for (const [typed, loaded] of files) expect(loaded).to.equal(typed);
  });
});
