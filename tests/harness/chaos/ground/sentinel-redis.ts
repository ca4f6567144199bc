import { setTimeout as sleep } from "node:timers/promises";
import { MASTER_NAME } from "../../../../local/redis-group/sentinel.ts";
import type { GroupNode } from "../../../../local/redis-group/settings.ts";
import { withDeadline } from "../../../../runtime/deadline.ts";
import { type SentinelGroup, startSentinelGroup } from "../../../support/redis-group.ts";
import type { RedisGround } from "./redis-form.ts";

/** How the Sentinels of a round differ from three that replace nobody. */
export type SentinelPlan = {
  /** After so long without an answer they replace the master. */
  readonly failedAfterMs?: number;
};

const REPLACES_NOBODY_MS = 300_000;
/** A Sentinel that its machine kept waiting replaces nobody for half a minute (TILT). */
const SERVES_WITHIN_MS = 120_000;
const ASK_MS = 1_000;
const POLL_MS = 50;
const ARGS = ["--auto-aof-rewrite-percentage", "0"];

/** A master with two replicas, and three Sentinels that watch it. */
export async function startSentinelRedis(plan: SentinelPlan): Promise<RedisGround> {
  const group = await startSentinelGroup({
    failedAfterMs: plan.failedAfterMs ?? REPLACES_NOBODY_MS,
    args: ARGS,
  });
  const [first, ...others] = [...group.data, ...group.sentinels].map(({ host, port }) => ({ host, port }));
  if (first === undefined) throw new Error("the group has no node");
  return {
    url: group.url,
    addresses: [first, ...others],
    urlThrough(doors) {
      const sentinels = doors.slice(group.data.length).map(({ host, port }) => `${host}:${port}`);
      return `redis+sentinel://${sentinels.join(",")}/${MASTER_NAME}`;
    },
    async serving() {
      const endsAtMs = performance.now() + SERVES_WITHIN_MS;
      for (;;) {
        const found = await servingMaster(group);
        if (found !== undefined) return found;
        if (performance.now() > endsAtMs) throw new Error("no master that most Sentinels name serves");
        await sleep(POLL_MS);
      }
    },
    cluster: undefined,
    sentinels: group,
    close: group.close,
  };
}

/** The master that most Sentinels name, if it serves; without Sentinels the one Redis that is a master. */
async function servingMaster({ data, sentinels }: SentinelGroup): Promise<GroupNode | undefined> {
  const running = sentinels.filter((node) => node.isRunning);
  const names = await Promise.all(running.map((node) => nameOf(node).catch(() => undefined)));
  const roles = await Promise.all(data.map((node) => roleOf(node).catch(() => undefined)));
  const masters = data.filter((_, i) => roles[i] === "master");
  if (running.length === 0) return masters.length === 1 ? masters[0] : undefined;
  return masters.find(({ port }) => names.filter((name) => name === port).length * 2 > running.length);
}

async function nameOf(sentinel: GroupNode): Promise<number> {
  const asked = sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME);
  return Number(((await withDeadline(asked, ASK_MS, "a Sentinel")) as string[])[1]);
}

async function roleOf(node: GroupNode): Promise<string | undefined> {
  if (!node.isRunning) return undefined;
  return ((await withDeadline(node.ask("ROLE"), ASK_MS, "a Redis")) as [string])[0];
}
