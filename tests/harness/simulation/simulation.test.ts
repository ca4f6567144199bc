import { expect } from "chai";
import { PLANTS, type PlantName } from "./plants.ts";
import { runSeed } from "./run-seed.ts";

const SEEDS = 300;
/** Enough for the bugs that show quickly; the others need `npm run simulate -- --plant NAME`. */
const PLANT_SEEDS_MAX = 2_000;

describe("the simulation", () => {
  it(`finds nothing wrong in ${SEEDS} seeds, in which the hazards happened`, async () => {
    const hazards = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, hazards: some } = await runSeed({ seed });
      expect(violations, `seed ${seed}: npm run simulate -- --seed ${seed} --trace`).to.deep.equal([]);
      for (const [name, times] of some) if (times > 0) hazards.add(name);
    }
    expect([...hazards]).to.include.members([
      "server died",
      "Redis came back current",
      "Redis came back older",
      "Redis came back empty",
      "FLUSHALL",
      "MongoDB down",
      "MongoDB request applied late",
      "claim answered fenced",
      "claim answered pending",
      "E11000 on a code",
      "load loaded",
      "late issuance adopted",
      "told that nothing was tried",
    ]);
  });

  it("does the same again with the same seed, event by event", async () => {
    for (const seed of [3, 77, 1_234]) {
      const trace: string[][] = [[], []];
      const [first, second] = [await record(0), await record(1)];
      expect(second.hash).to.equal(first.hash);
      expect(events(trace[1])).to.deep.equal(events(trace[0]));
      expect((await runSeed({ seed })).hash, "the trace changes nothing").to.equal(first.hash);
      expect((await runSeed({ seed: seed + 1 })).hash).to.not.equal(first.hash);

      function record(i: number) {
        return runSeed({ seed, trace: (line) => void trace[i]?.push(line) });
      }
    }
  });

  for (const plant of [
    "acknowledge-early",
    "settle-before-durable",
    "no-fence",
    "generation-frozen",
    "overloaded-after-pop",
    "one-clock",
  ] satisfies PlantName[]) {
    it(`finds a planted bug: ${PLANTS[plant]}`, async () => {
      for (let seed = 1; seed <= PLANT_SEEDS_MAX; seed++) {
        if ((await runSeed({ seed, plant })).violations.length > 0) return;
      }
      expect.fail(`not found in ${PLANT_SEEDS_MAX} seeds`);
    });
  }
});

/** Without the log's lines: stack traces and the like do not come from the simulation. */
const events = (lines: readonly string[] | undefined) => lines?.filter((line) => !line.includes(" log "));
