import { expect } from "chai";
import type { Db } from "mongodb";
import { createMongoFacts } from "../../record/mongo-facts.ts";
import { withStores } from "../support/with-stores.ts";

describe("facts of MongoDB", () => {
  const stores = withStores();

  it("a write is durable and told in ms; many at once leave one document", async () => {
    const facts = createMongoFacts(stores.db);
    const took = await Promise.all(Array.from({ length: 8 }, () => facts.write(5_000)));
    for (const ms of took) expect(ms).to.be.within(0, 5_000);
    expect(await stores.db.collection("probes").countDocuments()).to.equal(1);
  });

  it("tells the clock of MongoDB, also where hello does not, as that of the local stack; many at once leave one document", async () => {
    const facts = createMongoFacts(stores.db);
    await stores.db.collection("probes").deleteMany({});
    const before = Date.now();
    const told = await Promise.all(Array.from({ length: 8 }, () => facts.nowMs()));
    for (const ms of told) expect(ms).to.be.within(before - 1_000, Date.now() + 1_000);
    expect(await stores.db.collection("probes").countDocuments()).to.be.at.most(1);
    const localTime = new Date(0);
    expect(await createMongoFacts(described({ localTime })).nowMs()).to.equal(0);
  });

  it("the engine of the tests is a server by itself", async () => {
    expect(await createMongoFacts(stores.db).deployment()).to.deep.equal({ kind: "standalone" });
  });

  /** The replies of a deployment to the commands; none of these deployments runs on this machine. */
  const described = (hello: object, status?: object): Db => {
    return {
      collection: () => undefined,
      command: async () => hello,
      admin: () => ({
        command: async () => {
          if (status === undefined) throw new Error("not authorized");
          return status;
        },
      }),
    } as unknown as Db;
  };
  const set = { setName: "rs0", hosts: ["a:1", "b:1"], passives: ["c:1"] };

  it("counts the members that are up, primary or secondary", async () => {
    const members = [
      { health: 1, state: 1 },
      { health: 1, state: 2 },
      { health: 1, state: 3 },
      { health: 0, state: 8 },
    ];
    const told = await createMongoFacts(described(set, { members, writeMajorityCount: 3 })).deployment();
    expect(told).to.deep.equal({ kind: "replica-set", name: "rs0", members: 4, healthy: 2, majority: 3 });
  });

  it("an arbiter holds no data: it is no member that could be missed, and none that makes a write durable", async () => {
    const members = [1, 2, 7].map((state) => ({ health: 1, state }));
    const told = await createMongoFacts(described(set, { members, writeMajorityCount: 2 })).deployment();
    expect(told).to.deep.equal({ kind: "replica-set", name: "rs0", members: 2, healthy: 2, majority: 2 });
  });

  it("says so where the members may not be asked", async () => {
    const told = await createMongoFacts(described(set)).deployment();
    expect(told).to.deep.equal({
      ...{ kind: "replica-set", name: "rs0", members: 3, majority: 2 },
      healthy: undefined,
    });
  });
});
