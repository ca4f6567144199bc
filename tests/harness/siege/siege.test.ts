import { expect } from "chai";
import { crowdForms } from "./crowd-form.ts";
import { openSiegeGround, type SiegeGround } from "./ground.ts";
import { besiege } from "./siege.ts";

const PLAN = {
  rounds: 1,
  honest: 40,
  windowMs: 400,
  addresses: 4,
  crowds: crowdForms({ strict: false, each: false, only: [], ratePerSecond: 2_000 }),
  strict: false,
  each: false,
};

describe("siege", () => {
  let ground: SiegeGround | undefined;
  afterEach(async () => {
    await ground?.close();
    ground = undefined;
  });

  it("every honest user is served and nothing else is given, beside every attack", async () => {
    const lines: string[] = [];
    ground = await openSiegeGround();
    const verdict = await besiege(ground, PLAN, (line) => lines.push(line));
    expect(verdict.faults, lines.join("\n")).to.deep.equal([]);
    expect(verdict).to.include({ honest: 80, crossed: 0, stolen: 0, early: 0, lost: 0 });
  });

  it("finds out a service that admits everybody", async () => {
    ground = await openSiegeGround({ claimAuth: "open" });
    const verdict = await besiege(ground, PLAN, () => undefined);
    expect(verdict.stolen).to.be.greaterThan(0);
    expect(verdict.faults).to.not.deep.equal([]);
  });
});
