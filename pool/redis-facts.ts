import { performance } from "node:perf_hooks";
import { withDeadline } from "../runtime/deadline.ts";
import { campaignKeys } from "./keys.ts";
import type { Redis } from "./redis.ts";

/** Facts from INFO of the Redis that has a campaign. */
export type RedisInfo = {
  readonly engine: "Redis" | "Valkey";
  /** A Valkey has another one as `redis_version`: the Redis that it is compatible with. */
  readonly version: string;
  /**
   * `standalone`, `cluster` or `sentinel`. Any text here is empty, and any other value undefined, where Redis
   * does not report it.
   */
  readonly mode: string;
  /** `master` or `slave`, as Redis names it. */
  readonly role: string;
  readonly replicas: number;
  readonly aofEnabled: boolean | undefined;
  readonly aofWriteOk: boolean;
  readonly maxmemoryPolicy: string;
  /** 0: maxmemory sets no limit. */
  readonly maxmemoryBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly systemBytes: number | undefined;
};

/**
 * The slot of a campaign, as the node of the cluster that has it reports it; `moving`: the id of the node
 * that it moves to or from.
 */
export type SlotState = { readonly slot: number; readonly moving: string | undefined };

export type RedisProbe = ReturnType<typeof createRedisProbe>;

/** The facts in a reply to INFO. */
export function infoIn(text: string): RedisInfo {
  const value = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, "m").exec(text)?.[1] ?? "";
  const bytes = (name: string) => (value(name) === "" ? undefined : Number(value(name)));
  const valkey = value("valkey_version");
  return {
    engine: valkey === "" ? "Redis" : "Valkey",
    version: valkey || value("redis_version"),
    // A Valkey of 8.0 and newer calls it server_mode, unless it is told to be like a Redis.
    mode: value("redis_mode") || value("server_mode"),
    role: value("role"),
    replicas: Number(value("connected_slaves")),
    aofEnabled: value("aof_enabled") === "" ? undefined : value("aof_enabled") === "1",
    aofWriteOk: value("aof_last_write_status") !== "err",
    maxmemoryPolicy: value("maxmemory_policy"),
    maxmemoryBytes: bytes("maxmemory"),
    usedBytes: bytes("used_memory"),
    systemBytes: bytes("total_system_memory"),
  };
}

/**
 * Asks the Redis that has a campaign (in a cluster, the node with its slot) how it is set up and whether it
 * takes a write.
 */
export function createRedisProbe(redis: Redis, deadlineMs: number) {
  const command = (campaignId: string, args: readonly string[]) =>
    withDeadline(redis.command(campaignKeys(campaignId).meta, args), deadlineMs, `Redis ${args.join(" ")}`);

  return {
    sentinels: () => redis.sentinels(),

    async info(campaignId: string): Promise<RedisInfo> {
      return infoIn(String(await command(campaignId, ["INFO"])));
    },

    /** One setting. Rejects where Redis does not allow CONFIG, as most managed ones. */
    async config(campaignId: string, name: string): Promise<string> {
      const reply = await command(campaignId, ["CONFIG", "GET", name]);
      const value = Array.isArray(reply) ? reply[1] : Object(reply)[name];
      if (typeof value !== "string") throw new Error(`Redis has no setting ${name}`);
      return value;
    },

    /** undefined: it is no cluster. */
    async slot(campaignId: string): Promise<SlotState | undefined> {
      const { mode } = await this.info(campaignId);
      if (mode !== "cluster") return undefined;
      const slot = Number(await command(campaignId, ["CLUSTER", "KEYSLOT", campaignKeys(campaignId).meta]));
      const nodes = String(await command(campaignId, ["CLUSTER", "NODES"]));
      const own = nodes.split("\n").find((line) => line.split(" ")[2]?.includes("myself") === true) ?? "";
      // `[93-<-id]`: slot 93 comes from that node; `[93->-id]`: it goes to that node.
      return { slot, moving: new RegExp(`\\[${slot}-[<>]-(\\w+)\\]`).exec(own)?.[1] };
    },

    /** Writes; returns how many ms that took. */
    async write(campaignId: string): Promise<number> {
      const startedAtMs = performance.now();
      await withDeadline(redis.probe([campaignKeys(campaignId).probe], []), deadlineMs, "Redis probe");
      return performance.now() - startedAtMs;
    },
  };
}
