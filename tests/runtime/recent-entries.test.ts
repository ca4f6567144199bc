import { expect } from "chai";
import fc from "fast-check";
import { createRecentEntries } from "../../runtime/recent-entries.ts";

describe("recent entries", () => {
  it("an entry that is used stays, whatever comes after it", () => {
    const entries = createRecentEntries<number>(3);
    entries.keep("used", 7);
    for (let i = 0; i < 50; i++) {
      entries.keep(`other ${i}`, i);
      expect(entries.get("used"), String(i)).to.equal(7);
    }
    expect(entries.get("other 0")).to.equal(undefined);
  });

  it("an entry is there until as many others as a half holds were used after it; never more than both halves", () => {
    const key = fc.nat(12).map(String);
    const action = fc.oneof(
      fc.record({ kind: fc.constantFrom("get", "delete"), key }),
      fc.record({ kind: fc.constant("keep"), key, value: fc.nat() }),
    );
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 100 }),
        fc.integer({ min: 1, max: 5 }),
        (actions, halfMax) => {
          const entries = createRecentEntries<number>(halfMax);
          /** By last use, the latest at the end. */
          const model = new Map<string, number>();
          const used = (name: string, value: number) => {
            model.delete(name);
            model.set(name, value);
          };
          for (const one of actions) {
            if (one.kind === "keep") {
              const { value } = one as { value: number };
              entries.keep(one.key, value);
              used(one.key, value);
            } else if (one.kind === "delete") {
              entries.delete(one.key);
              model.delete(one.key);
            } else {
              const found = entries.get(one.key);
              const known = model.get(one.key);
              const isRecent = [...model.keys()].slice(-halfMax).includes(one.key);
              if (isRecent) expect(found).to.equal(known);
              else expect([undefined, known]).to.include(found);
              if (found === undefined) model.delete(one.key);
              else used(one.key, found);
            }
          }
          const all = Array.from({ length: 13 }, (_, i) => entries.get(String(i)));
          expect(all.filter((value) => value !== undefined).length).to.be.at.most(2 * halfMax);
        },
      ),
    );
  });
});
