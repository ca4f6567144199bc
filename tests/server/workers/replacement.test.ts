import { expect } from "chai";
import fc from "fast-check";
import { replacementFor } from "../../../server/workers/replacement.ts";

describe("replacing a worker", () => {
  it("the first death is made good at once, the next ones after twice the time each, the fifth ends it", () => {
    const waits: number[] = [];
    let before = 0;
    for (;;) {
      const next = replacementFor(before, 0);
      before = next.deathsInRow;
      if (next.kind === "give-up") break;
      waits.push(next.afterMs);
    }
    expect(waits).to.deep.equal([100, 200, 400, 800]);
    expect(before).to.equal(5);
  });

  it("a death after steady service begins the count anew; one just before does not", () => {
    expect(replacementFor(4, 10_000)).to.deep.equal({ kind: "replace", deathsInRow: 1, afterMs: 100 });
    expect(replacementFor(4, 9_999)).to.deep.equal({ kind: "give-up", deathsInRow: 5 });
  });

  it("a wrong setting, with which another worker serves, is tried again for ever and counts as no death", () => {
    for (const before of [0, 4, 100])
      expect(replacementFor(before, 0, true)).to.deep.equal({
        kind: "replace",
        deathsInRow: before,
        afterMs: 2_000,
      });
  });

  it("whatever comes: bounded waits, and no end without five in a row (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 100 }), (served) => {
        let [before, unsteady] = [0, 0];
        for (const servedMs of served) {
          unsteady = servedMs >= 10_000 ? 1 : unsteady + 1;
          const next = replacementFor(before, servedMs);
          before = next.deathsInRow;
          expect(next.kind).to.equal(unsteady >= 5 ? "give-up" : "replace");
          if (next.kind === "give-up") return;
          expect(next.afterMs).to.be.within(100, 800);
        }
      }),
    );
  });
});
