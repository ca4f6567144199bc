import { expect } from "chai";
import fc from "fast-check";
import { appendPlace, countIn, createPlaceSet, sliceOf } from "../../events/runs.ts";
import type { IssuedRun } from "../../record/event-documents.ts";

type Place = { generation: number; seq: number };

const placesArb = fc
  .uniqueArray(
    fc.record({ generation: fc.integer({ min: 1, max: 3 }), seq: fc.integer({ min: 1, max: 12 }) }),
    {
      selector: ({ generation, seq }) => `${generation}-${seq}`,
    },
  )
  .map((places) => places.sort((a, b) => a.generation - b.generation || a.seq - b.seq));

function runsOf(places: readonly Place[]): IssuedRun[] {
  const runs: IssuedRun[] = [];
  for (const place of places) appendPlace(runs, place);
  return runs;
}

const placesIn = (runs: Iterable<IssuedRun>): Place[] =>
  [...runs].flatMap(({ generation, first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i) => ({ generation, seq: first + i })),
  );

describe("runs of issued places", () => {
  it("have exactly the places that were appended, and any slice of them", () => {
    fc.assert(
      fc.property(placesArb, fc.nat(40), fc.nat(40), (places, skip, limit) => {
        const runs = runsOf(places);
        expect(placesIn(runs)).to.deep.equal(places);
        expect(countIn(runs)).to.equal(places.length);
        expect(placesIn(sliceOf(runs, skip, limit))).to.deep.equal(places.slice(skip, skip + limit));
      }),
    );
  });

  it("a set has exactly the places of its runs, in whatever order they were added", () => {
    const runArb = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 15 }), fc.nat(4));
    fc.assert(
      fc.property(fc.array(runArb), (given) => {
        const runs = given.map(([generation, first, more]) => ({ generation, first, last: first + more }));
        const set = createPlaceSet();
        for (const run of runs) set.add(run);
        const wanted = new Set(placesIn(runs).map(({ generation, seq }) => `${generation}-${seq}`));
        for (const generation of [1, 2, 3])
          for (let seq = 0; seq < 22; seq++)
            expect(set.has({ generation, seq })).to.equal(wanted.has(`${generation}-${seq}`));
      }),
    );
  });
});
