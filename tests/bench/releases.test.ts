import { expect } from "chai";
import { createReleases } from "../../bench/releases.ts";

describe("what a command gives back at its end", () => {
  it("in the reverse order, each once, whatever happens to others", async () => {
    const releases = createReleases();
    const given: string[] = [];
    releases.add("the first", () => given.push("first"));
    releases.add("the second", () => Promise.reject(new Error("is stuck")));
    releases.add("the third", () => given.push("third"));
    expect(await Promise.all([releases.all(), releases.all()])).to.deep.equal([
      ["the second: is stuck"],
      ["the second: is stuck"],
    ]);
    expect(given).to.deep.equal(["third", "first"]);
  });

  it("what never ends is told, and does not keep the others", async () => {
    const releases = createReleases(20);
    const given: string[] = [];
    releases.add("the stores", () => given.push("stores"));
    releases.add("the build", () => new Promise(() => undefined));
    expect(await releases.all()).to.deep.equal(["the build: not done after 0.02 s"]);
    expect(given).to.deep.equal(["stores"]);
  });
});
