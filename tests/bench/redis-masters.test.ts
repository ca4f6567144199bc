import { expect } from "chai";
import { openMasters } from "../../bench/scenario/redis-masters.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";

describe("the masters at REDIS_URL, for the scenario", () => {
  let cluster: RedisCluster | undefined;
  after(() => cluster?.close());

  it("of a list: every master of the cluster is set, and the keys of all are read", async () => {
    cluster = await startRedisCluster({ password: "p@ss/w:rd #1" });
    const keys = ["{a}:1", "{b}:2", "{c}:3"];
    for (const key of keys) await (await cluster.masterOf(key)).ask("SET", key, "x");
    const masters = await openMasters(cluster.url);
    try {
      expect(await masters.keys()).to.deep.equal(keys);
      await masters.configSet("maxmemory-policy", "allkeys-lru");
      for (const key of keys) {
        const told = await (await cluster.masterOf(key)).ask("CONFIG", "GET", "maxmemory-policy");
        expect(JSON.stringify(told)).to.include("allkeys-lru");
      }
    } finally {
      masters.destroy();
    }
  });
});
