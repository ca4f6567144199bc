import { join } from "node:path";
import type { Store } from "../../../../local/store.ts";
import { openRawRedis, type RawRedis } from "../../../support/raw-redis.ts";
import { rawProtocol } from "../../../support/wire/frames.ts";
import { type StoreProxy, startProxy } from "../../../support/wire/proxy.ts";
import { RECONNECT_MS, startRedisNode } from "../ground/redis-node.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { part, proveRebuilt, proveUnknown } from "./proofs.ts";

type Replica = { readonly store: Store; readonly raw: RawRedis; readonly link: StoreProxy };

async function infoOf(raw: RawRedis): Promise<string> {
  return String(await raw.sendCommand(["INFO", "replication"]));
}

/** Starts a second Redis that replicates the first over a link that can be cut. */
async function follow(sale: Sale): Promise<Replica> {
  const { ground } = sale;
  const link = await startProxy(rawProtocol, ground.redis);
  ground.own("the replication link", () => link.close());
  const store = await startRedisNode({ dir: join(ground.dir, "replica") });
  ground.own("the replica", () => store.kill());
  const raw = await openRawRedis(store.url, RECONNECT_MS);
  ground.own("a connection to the replica", () => raw.destroy());
  await raw.sendCommand(["REPLICAOF", link.address.host, String(link.address.port)]);
  await sale.untilTrue("the replica is in step", async () => /master_link_status:up/.test(await infoOf(raw)));
  return { store, raw, link };
}

async function offsetsMeet(sale: Sale, primary: RawRedis, replica: RawRedis): Promise<void> {
  await sale.untilTrue("the replica has everything", async () => {
    const wanted = /master_repl_offset:(\d+)/.exec(await infoOf(primary))?.[1];
    return wanted !== undefined && /slave_repl_offset:(\d+)/.exec(await infoOf(replica))?.[1] === wanted;
  });
}

function cutOff(sale: Sale, on: boolean): void {
  for (const server of sale.ground.servers) server.redis.refuse(on);
}

/** Promotes a replica that is up to date: the servers are cut off first, so that no write is under way. */
async function promoteUpToDate(sale: Sale, { store, raw, link }: Replica): Promise<void> {
  cutOff(sale, true);
  await offsetsMeet(sale, sale.ground.raw, raw);
  link.refuse(true);
  await raw.sendCommand(["REPLICAOF", "NO", "ONE"]);
  await sale.ground.moveTo(store);
  cutOff(sale, false);
}

function countOf({ ground }: Sale, word: string): number {
  return ground.logLines.filter((line) => line.includes(word)).length;
}

export const replicaRounds: readonly Round[] = [
  {
    name: "replica-promoted",
    forms: ["single"],
    async act(sale) {
      const primary = sale.ground.redis;
      const replica = await follow(sale);
      await part(sale, 0.4);
      await promoteUpToDate(sale, replica);
      await primary.kill();
      sale.faultOver();
      sale.prove("promoted", 1);
    },
    async after(sale) {
      proveUnknown(sale);
      await proveRebuilt(sale);
    },
  },
  {
    // As with a DNS name, a Kubernetes Service or a managed endpoint: new connections reach the new primary,
    // and no party closes the old ones.
    name: "replica-promoted-behind-forwarder",
    forms: ["single"],
    quick: true,
    async act(sale) {
      const { ground } = sale;
      const old = await openRawRedis(ground.redis.url, RECONNECT_MS);
      ground.own("a connection to the old primary", () => old.destroy());
      const replica = await follow(sale);
      await part(sale, 0.4);
      await replica.raw.sendCommand(["REPLICAOF", "NO", "ONE"]);
      await ground.leadTo(replica.store);
      await old.sendCommand(["REPLICAOF", replica.store.host, String(replica.store.port)]);
      const before = sale.unknown();
      await sale.untilTrue("a write is refused on a connection that stands", () => sale.unknown() > before);
      sale.faultOver();
      sale.prove("unknown", sale.unknown());
      sale.prove("servers_told", countOf(sale, "READONLY"));
    },
    after: proveRebuilt,
  },
  {
    name: "replica-promoted-stale",
    forms: ["single"],
    quick: true,
    async act(sale) {
      const primary = sale.ground.redis;
      const replica = await follow(sale);
      await part(sale, 0.25);
      replica.link.refuse(true);
      await part(sale, 0.55);
      const claims = await sale.ground.raw.hLen(sale.keys.claims);
      await primary.kill();
      await replica.raw.sendCommand(["REPLICAOF", "NO", "ONE"]);
      sale.prove("claims_forgotten", claims - (await replica.raw.hLen(sale.keys.claims)), 50);
      await sale.ground.moveTo(replica.store);
      sale.faultOver();
    },
    after: proveRebuilt,
  },
  {
    name: "fail-back",
    forms: ["single"],
    sale: { overMs: 3_000 },
    async act(sale) {
      const primary = sale.ground.redis;
      const replica = await follow(sale);
      const back = await openRawRedis(primary.url, RECONNECT_MS);
      sale.ground.own("a connection to the old primary", () => back.destroy());
      await part(sale, 0.25);
      await promoteUpToDate(sale, replica);
      await part(sale, 0.55);
      await back.sendCommand(["REPLICAOF", replica.store.host, String(replica.store.port)]);
      await sale.untilTrue("it follows", async () => /master_link_status:up/.test(await infoOf(back)));
      cutOff(sale, true);
      await offsetsMeet(sale, replica.raw, back);
      await back.sendCommand(["REPLICAOF", "NO", "ONE"]);
      await sale.ground.moveTo(primary);
      cutOff(sale, false);
      sale.faultOver();
    },
    after: async (sale) => sale.prove("rebuilds", (await sale.recorded()).generation - 1, 2),
  },
  {
    // The old primary was never demoted: the same process, the same dataset, and a valid token of an old
    // generation.
    name: "fail-back-stale",
    forms: ["single"],
    sale: { overMs: 3_000 },
    async act(sale) {
      const primary = sale.ground.redis;
      const replica = await follow(sale);
      await part(sale, 0.25);
      await promoteUpToDate(sale, replica);
      await part(sale, 0.55);
      await sale.ground.moveTo(primary);
      const backAt = new Date();
      sale.faultOver();
      sale.prove("old_generation", 2 - Number(await sale.ground.raw.hGet(sale.keys.meta, "generation")));
      await part(sale, 1);
      const late = { campaignId: sale.campaignId, generation: 1, issuedAt: { $gt: backAt } };
      const count = await sale.ground.db.collection("issuances").countDocuments(late);
      if (count > 0) sale.found("U12", `${count} coupons were issued in a generation that had been replaced`);
    },
    after: proveRebuilt,
  },
];
