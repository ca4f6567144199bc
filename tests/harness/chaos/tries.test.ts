import { expect } from "chai";
import { type Try, untilTelling } from "./tries.ts";

const GOOD: Try = { ok: true, judgement: { violated: [] }, missed: [], broke: undefined, stalledMs: 0 };
const MISSED: Try = { ...GOOD, ok: false, missed: ["claims_forgotten=19"] };
const violating = (...violated: readonly string[]): Try => ({ ...GOOD, ok: false, judgement: { violated } });

/** Runs the tries in turn; returns the result, the paces, and the reasons that were logged. */
async function carry(tries: readonly Try[], expected?: string) {
  const paces: number[] = [];
  const said: string[] = [];
  const result = await untilTelling(
    async (pace) => {
      paces.push(pace);
      return tries[paces.length - 1] ?? GOOD;
    },
    (reason) => said.push(reason),
    expected,
  );
  return { result, paces, said };
}

describe("chaos: tries of a round", () => {
  it("one that is clean is the result", async () => {
    const { result, paces, said } = await carry([GOOD]);
    expect([result.ok, result.again, paces, said]).to.deep.equal([true, 0, [1], []]);
  });

  it("one whose hazard was missed is made again, slower, and says so", async () => {
    const { result, paces, said } = await carry([MISSED, MISSED, GOOD]);
    expect([result.ok, result.again, paces]).to.deep.equal([true, 2, [1, 2, 4]]);
    expect(said).to.deep.equal(Array(2).fill("the hazard was missed: claims_forgotten=19"));
  });

  it("a hazard that is missed three times is the result, and no pass", async () => {
    const { result, paces } = await carry([MISSED, MISSED, MISSED]);
    expect([result.ok, result.missed, paces.length]).to.deep.equal([false, MISSED.missed, 3]);
  });

  it("a violation is the result at once, also where a hazard was missed or a matter of time is beside it", async () => {
    for (const first of [violating("U2"), { ...violating("U1"), missed: ["x=0"] }, violating("U11", "U7")]) {
      const { result, paces } = await carry([first, GOOD]);
      expect([result.ok, result.judgement, paces.length]).to.deep.equal([false, first.judgement, 1]);
    }
  });

  it("a matter of time alone is tried again: machines that are busy violate it by themselves", async () => {
    expect((await carry([violating("U11"), GOOD])).result).to.deep.include({ ok: true, again: 1 });
    expect((await carry([violating("U9"), violating("U9"), violating("U9")])).result.ok).to.equal(false);
  });

  it("one that violates what a mutant is expected to violate is the result at once, a matter of time too", async () => {
    const late: Try = { ...violating("U11"), missed: ["issued_after=0"] };
    const { result, paces } = await carry([late, GOOD], "U11");
    expect([result.judgement, paces.length]).to.deep.equal([late.judgement, 1]);
    expect((await carry([late, GOOD], "U9")).paces).to.deep.equal([1, 2]);
  });

  it("one whose port another process took is made again", async () => {
    const taken: Try = {
      ...GOOD,
      ok: false,
      broke: "Error: port 4711 on 127.0.0.1 is taken by another process",
    };
    const { result, said } = await carry([taken, GOOD]);
    expect([result.ok, result.again, said]).to.deep.equal([true, 1, ["another process took a port"]]);
  });

  it("one that broke, or that is wrong in another way than by an invariant, is not made again", async () => {
    for (const first of [{ ...GOOD, ok: false, broke: "Error: x" }, violating()])
      expect((await carry([first, GOOD])).paces).to.deep.equal([1]);
  });
});
