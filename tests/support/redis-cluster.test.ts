import { expect } from "chai";
import { createClient } from "redis";
import { until } from "../../local/poll.ts";
import { type ClusterNode, type RedisCluster, startRedisCluster } from "./redis-cluster.ts";
import { moveAllSlots } from "./slot-migration.ts";

describe("a real Redis Cluster for tests", () => {
  let cluster: RedisCluster | undefined;

  afterEach(async () => {
    await cluster?.close();
    cluster = undefined;
  });

  it("has three masters with a replica each, behind a password, and comes back with what it had", async () => {
    cluster = await startRedisCluster({ password: "p@ss/w:rd #1", persistent: true });
    const key = "{a}:key";
    const master = await cluster.masterOf(key);
    expect(await master.ask("SET", key, "value")).to.equal("OK");
    const socket = { port: master.store.port, reconnectStrategy: false } as const;
    const stranger = createClient({ socket }).on("error", () => {});
    const refused = await stranger.connect().then(
      () => stranger.ping(),
      (error: unknown) => error,
    );
    expect(String(refused)).to.match(/NOAUTH/);
    stranger.destroy();

    const replica = cluster.nodes[cluster.nodes.indexOf(master) + 3] as ClusterNode;
    const copied = async () => {
      await replica.ask("READONLY");
      return (await replica.ask("DBSIZE")) === 1;
    };
    expect(await until(copied, 30_000)).to.equal(true);
    await master.store.kill();
    expect(await replica.ask("CLUSTER", "FAILOVER", "TAKEOVER")).to.equal("OK");
    const promoted = async () => (await cluster?.masterOf(key, replica)) === replica;
    expect(await until(promoted, 30_000)).to.equal(true);
    await master.store.start();
    await cluster.untilOk();
    expect(await replica.ask("GET", key)).to.equal("value");
  });

  it("takes in one more node, which gets all slots of another, and lets that one go", async () => {
    cluster = await startRedisCluster({ persistent: true });
    const [first, second] = cluster.nodes as [ClusterNode, ClusterNode];
    expect(await cluster.masters()).to.deep.equal(cluster.nodes.slice(0, 3));
    expect(await cluster.replicasOf(first)).to.deep.equal([cluster.nodes[3]]);
    for (let i = 0; i < 20; i++)
      await (await cluster.masterOf(`key-${i}`)).ask("SET", `key-${i}`, `value-${i}`);
    const node = await cluster.join();
    expect(await cluster.masters(second)).to.include(node);
    const held = Number(await first.ask("DBSIZE"));
    expect(held).to.be.above(0);

    await moveAllSlots(cluster, first, node);
    expect(await node.ask("DBSIZE")).to.equal(held);
    const movedFor = (asked: ClusterNode) => cluster?.masterOf("{06S}", asked); // slot 0
    const everywhere = async () =>
      (await Promise.all(cluster?.nodes.map(movedFor) ?? [])).every((it) => it === node);
    expect(await until(everywhere, 30_000), "all nodes list the new master").to.equal(true);
    const follower = cluster.nodes[3] as ClusterNode;
    await follower.ask("CLUSTER", "REPLICATE", node.id);
    await cluster.remove(first);
    await cluster.untilOk();
    expect(cluster.url).not.to.include(`:${first.store.port}`);
    expect(first.store.isRunning).to.equal(false);
    for (let i = 0; i < 20; i++)
      expect(await (await cluster.masterOf(`key-${i}`)).ask("GET", `key-${i}`)).to.equal(`value-${i}`);
  });

  it("speaks TLS alone, with a user of its own", async () => {
    const user = { name: "coupons", password: "한글 %,secret" };
    cluster = await startRedisCluster({ tls: true, password: "default", user });
    expect(cluster.url).to.match(/^rediss:\/\/coupons:[^@,]+@127.0.0.1:\d+,rediss/);
    const [first] = cluster.nodes;
    expect(String(await first?.ask("ACL", "WHOAMI"))).to.equal("default");
    expect(await first?.ask("ACL", "LIST")).to.have.length(2);
  });
});
