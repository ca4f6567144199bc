import { expect } from "chai";
import type { Db } from "mongodb";
import { createMongoFacts } from "../../record/mongo-facts.ts";
import { openStores, type TestStores } from "../setup/shared-stores.ts";

describe("facts of MongoDB", () => {
  let stores: TestStores;
  before(async () => {
    stores = await openStores();
  });
  after(() => stores.close());

  it("a write is durable and told in ms; many at once leave one document", async () => {
    const facts = createMongoFacts(stores.db);
    const took = await Promise.all(Array.from({ length: 8 }, () => facts.write(5_000)));
    for (const ms of took) expect(ms).to.be.within(0, 5_000);
    expect(await stores.db.collection("probes").countDocuments()).to.equal(1);
  });

  it("the engine of the tests is a server by itself", async () => {
    expect(await createMongoFacts(stores.db).replicaSet()).to.equal(undefined);
  });

  /** A replica set as the commands describe it; no such set runs on this machine. */
  const described = (status: unknown): Db =>
    ({
      collection: () => undefined,
      command: async () => ({ setName: "rs0", hosts: ["a:1", "b:1"], passives: ["c:1"] }),
      admin: () => ({
        command: async () => {
          if (status === undefined) throw new Error("not authorized");
          return status;
        },
      }),
    }) as unknown as Db;

  it("counts the members that are up, primary or secondary", async () => {
    const members = [
      { health: 1, state: 1 },
      { health: 1, state: 2 },
      { health: 1, state: 3 },
      { health: 0, state: 8 },
    ];
    const told = await createMongoFacts(described({ members })).replicaSet();
    expect(told).to.deep.equal({ name: "rs0", members: 4, healthy: 2 });
  });

  it("says so where the members may not be asked", async () => {
    const told = await createMongoFacts(described(undefined)).replicaSet();
    expect(told).to.deep.equal({ name: "rs0", members: 3, healthy: undefined });
  });
});
