import type { RedisGroup } from "./redis-group/settings.ts";
import type { Store } from "./store.ts";

/** A group as one store of the local stack: what is done to it is done to each of its processes. */
export function storeOfGroup(group: RedisGroup, dir: string): Store {
  const { nodes, url } = group;
  // What REDIS_URL names: the Sentinels, or all nodes of the cluster.
  const [first] = nodes.filter(({ role }) => group.kind === "cluster" || role === "sentinel");
  if (first === undefined) throw new Error("a group without nodes");
  const start = async () => {
    await Promise.all(nodes.filter((node) => !node.isRunning).map((node) => node.start()));
    await group.untilWhole();
  };
  return {
    kind: "redis",
    origin: "redis-server",
    ...{ url, dir, host: first.host, port: first.port },
    owned: true,
    pid: undefined,
    get pids() {
      return nodes.flatMap(({ pid }) => pid ?? []);
    },
    logFile: undefined,
    get isRunning() {
      return nodes.some((node) => node.isRunning);
    },
    waitReady: (deadlineMs) => group.untilWhole(deadlineMs),
    kill: group.kill,
    pause() {
      for (const node of nodes) node.pause();
    },
    resume() {
      for (const node of nodes) node.resume();
    },
    stop: group.stop,
    start,
    async restart() {
      await group.stop();
      await start();
    },
  };
}
