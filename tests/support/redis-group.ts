import type { GroupNode, RedisGroup, RedisGroupOptions } from "../../local/redis-group/settings.ts";
import { startRedisGroup } from "../../local/redis-group.ts";
import { temporaryDir } from "./temporary-dir.ts";

export type SentinelGroup = RedisGroup & {
  /** Node 0, 1 and 2: the master at the start, and its replicas. */
  readonly data: readonly GroupNode[];
  readonly sentinels: readonly GroupNode[];
  /** Kills all that runs and removes its folder. */
  close(): Promise<void>;
};

/** A master with two replicas and three Sentinels in a folder of its own. */
export async function startSentinelGroup(
  options: Omit<RedisGroupOptions, "kind" | "folder"> = {},
): Promise<SentinelGroup> {
  const dir = temporaryDir();
  try {
    const group = await startRedisGroup({ ...options, kind: "sentinel", folder: dir.path });
    return {
      ...group,
      data: group.nodes.filter(({ role }) => role !== "sentinel"),
      sentinels: group.nodes.filter(({ role }) => role === "sentinel"),
      async close() {
        await group.kill();
        dir.remove();
      },
    };
  } catch (error) {
    dir.remove();
    throw error;
  }
}
