import { openRawRedis } from "./raw-redis.ts";
import type { ClusterNode, RedisCluster } from "./redis-cluster.ts";

/** The migration of a slot from one master to another, in the steps of `redis-cli --cluster reshard`. */
export type SlotMigration = {
  readonly slot: number;
  readonly source: ClusterNode;
  readonly target: ClusterNode;
  /**
   * From now on the source creates no more keys of the slot, and refuses commands on keys that it does not
   * have.
   */
  begin(): Promise<void>;
  /** Moves at most `atMost` of the slot's keys in one MIGRATE; returns how many it moved. */
  moveKeys(atMost?: number): Promise<number>;
  /** Makes the target the slot's owner, on every master. */
  finish(): Promise<void>;
};

const KEYS_MAX = 100;
const TIMEOUT_MS = "10000";

/** Prepares the migration of a key's slot from its master to another, by default the next one. */
export async function slotMigration(
  cluster: RedisCluster,
  key: string,
  to?: ClusterNode,
): Promise<SlotMigration> {
  const source = await cluster.masterOf(key);
  const masters = await cluster.masters(source);
  const target = to ?? (masters[(masters.indexOf(source) + 1) % masters.length] as ClusterNode);
  const slot = String(await source.ask("CLUSTER", "KEYSLOT", key));
  return {
    ...{ slot: Number(slot), source, target },
    async begin() {
      await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id);
      await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id);
    },
    async moveKeys(atMost = KEYS_MAX) {
      const keys = (await source.ask("CLUSTER", "GETKEYSINSLOT", slot, String(atMost))) as string[];
      const { host, port } = target.store;
      if (keys.length > 0)
        await source.ask("MIGRATE", host, String(port), "", "0", TIMEOUT_MS, "KEYS", ...keys);
      return keys.length;
    },
    async finish() {
      for (const node of [target, source, ...masters])
        await node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id);
    },
  };
}

/** Moves every slot of a master to another one, and what is in them. */
export async function moveAllSlots(
  cluster: RedisCluster,
  source: ClusterNode,
  target: ClusterNode,
): Promise<void> {
  const ranges = (await source.ask("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
  const slots = ranges
    .filter(([, , [, , id]]) => id === source.id)
    .flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i)));
  const nodes = [target, source, ...(await cluster.masters(source))];
  const setAll = (node: ClusterNode, ...what: readonly string[]) =>
    askAll(
      node,
      slots.map((slot) => ["CLUSTER", "SETSLOT", slot, ...what]),
    );
  await setAll(target, "IMPORTING", source.id);
  await setAll(source, "MIGRATING", target.id);
  const { host, port } = target.store;
  for (let keys = await keysOf(source); keys.length > 0; keys = await keysOf(source))
    await askAll(
      source,
      keys.map((key) => ["MIGRATE", host, String(port), key, "0", TIMEOUT_MS]),
    );
  // A master whose last slot goes to another becomes its replica, and needs no telling.
  for (const node of nodes)
    await setAll(node, "NODE", target.id).catch((error: unknown) => {
      if (!/only with masters/.test(String(error))) throw error;
    });
}

/** Many commands over one connection. */
async function askAll(node: ClusterNode, commands: readonly string[][]): Promise<void> {
  const raw = await openRawRedis(node.store.url);
  try {
    await Promise.all(commands.map((command) => raw.sendCommand(command)));
  } finally {
    raw.destroy();
  }
}

async function keysOf(node: ClusterNode): Promise<string[]> {
  return (await node.ask("KEYS", "*")) as string[];
}
