import { expect } from "chai";
import fc from "fast-check";
import { createKeyFilter } from "../../claims/key-filter.ts";

describe("key filter", () => {
  it("finds every key that was added, whatever it looks like (property)", () => {
    const keys = fc.array(fc.string({ unit: "binary", maxLength: 128 }), { maxLength: 300 });
    fc.assert(
      fc.property(keys, fc.nat(400), (added, capacity) => {
        const filter = createKeyFilter(capacity);
        for (const key of added) filter.add(key);
        return added.every((key) => filter.mayHave(key));
      }),
      { numRuns: 30 },
    );
  });

  it("an empty one has nothing", () => {
    expect(createKeyFilter(0).mayHave("a")).to.equal(false);
  });

  for (const [what, keyOf] of [
    ["numbers", (i: number) => String(i)],
    ["user ids", (i: number) => `user-${i}`],
    ["Hangul", (i: number) => `사용자${i.toString(2)}`],
  ] as const) {
    it(`mistakes fewer than 2 in 1,000 when it is full of ${what}`, () => {
      const filter = createKeyFilter(100_000, 7);
      for (let i = 0; i < 100_000; i++) filter.add(keyOf(i));
      let mistaken = 0;
      for (let i = 100_000; i < 200_000; i++) if (filter.mayHave(keyOf(i))) mistaken++;
      expect(mistaken).to.be.lessThan(200);
    });
  }
});
