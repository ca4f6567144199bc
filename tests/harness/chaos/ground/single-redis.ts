import { type RedisGround, urlOf } from "./redis-form.ts";
import { type RedisNodeOptions, startRedisNode } from "./redis-node.ts";

/** One Redis; a round that replaces it by another names that one with `lead`. */
export async function startSingleRedis(options: RedisNodeOptions): Promise<RedisGround> {
  const started = await startRedisNode(options);
  let current = started;
  return {
    get url() {
      return current.url;
    },
    addresses: [started],
    urlThrough: (doors) => doors.slice(0, 1).map(urlOf).join(),
    serving: async () => current,
    lead(next) {
      current = next;
    },
    cluster: undefined,
    sentinels: undefined,
    close: () => started.kill(),
  };
}
