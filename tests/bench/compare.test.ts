import { expect } from "chai";
import { backAndForth, interleaved, median } from "../../bench/rates/compare.ts";

describe("bench: comparing", () => {
  it("the median is the middle one, or the mean of the middle two, whatever the order", () => {
    expect(median([3])).to.equal(3);
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([4, 1, 3, 2])).to.equal(2.5);
    expect(median([10, 9, 100, 1])).to.equal(9.5);
    expect(median([])).to.satisfy(Number.isNaN);
  });

  it("runs in turn, A B A B, one at a time, and keeps each one's results in order", async () => {
    const ran: string[] = [];
    let underWay = 0;
    const variant = (name: string) => async (round: number) => {
      underWay += 1;
      expect(underWay).to.equal(1);
      ran.push(`${name}${round}`);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return ran.length;
    };
    const results = await interleaved(3, { a: variant("a"), b: variant("b") });
    expect(ran).to.deep.equal(["a0", "b0", "a1", "b1", "a2", "b2"]);
    expect(results).to.deep.equal({ a: [1, 3, 5], b: [2, 4, 6] });
  });

  it("runs back and forth, A B C, then C B A, and keeps each one's results in order", async () => {
    const ran: string[] = [];
    const results = await backAndForth(3, ["a", "b", "c"], async (name) => ran.push(name));
    expect(ran.join("")).to.equal("abccbaabc");
    expect(results).to.deep.equal({ a: [1, 6, 7], b: [2, 5, 8], c: [3, 4, 9] });
  });

  it("a run that fails ends it", async () => {
    let runs = 0;
    const failing = interleaved(3, {
      a: async () => {
        runs += 1;
        throw new Error("broken");
      },
    });
    expect(await failing.catch((error: unknown) => String(error))).to.include("broken");
    expect(runs).to.equal(1);
  });
});
