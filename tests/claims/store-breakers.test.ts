import { expect } from "chai";
import { BREAKERS, createStoreBreakers } from "../../claims/store-breakers.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";

/** Resolves when all callbacks that the fake clock has started have run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the breakers of a server", () => {
  function breakers() {
    const asked: string[] = [];
    const clock = fakeClock();
    const ask = async (what: string) => {
      asked.push(what);
      throw new Error("no answer");
    };
    const all = createStoreBreakers({
      ...{ clock, logger: silentLogger, commitStallMs: 1_000, storeStallMs: 1_000 },
      probes: { write: () => ask("write"), read: () => ask("read"), pool: (id) => ask(`pool ${id}`) },
    });
    return { all, asked };
  }
  const heldBack = (all: ReturnType<typeof breakers>["all"]) =>
    BREAKERS.filter((kind) => all.holdsBack(kind));

  it("tell which kind of call gets no answer; pools of them all are one kind", () => {
    const { all } = breakers();
    all.pool("A");
    expect([heldBack(all), all.anyOpen()]).to.deep.equal([[], false]);
    all.commits.begin("A")(new Error("no answer"));
    expect([heldBack(all), all.anyOpen()]).to.deep.equal([["commits"], true]);
    all.pool("B").suspect();
    expect(heldBack(all)).to.deep.equal(["commits", "pools"]);
    all.reads.suspect();
    expect(heldBack(all)).to.deep.equal(["commits", "reads", "pools"]);
  });

  it("are probed each, where they are open", async () => {
    const { all, asked } = breakers();
    all.pool("A");
    all.commits.begin("A")(new Error("no answer"));
    for (const one of [all.reads, all.pool("B"), all.pool("C")]) one.suspect();
    all.probe();
    await settled();
    expect(asked).to.deep.equal(["write", "read", "pool B", "pool C"]);
  });
});
