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

/** Prepares the migration of a key's slot from its master to the next master. */
export async function slotMigration(cluster: RedisCluster, key: string): Promise<SlotMigration> {
  const masters = cluster.nodes.slice(0, 3);
  const source = await cluster.masterOf(key);
  const target = masters[(masters.indexOf(source) + 1) % masters.length] as ClusterNode;
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
