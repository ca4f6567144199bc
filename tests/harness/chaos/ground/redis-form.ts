import type { Store } from "../../../../local/store.ts";
import type { RedisCluster } from "../../../support/redis-cluster.ts";
import type { SentinelGroup } from "../../../support/redis-group.ts";
import type { Address } from "../../../support/wire/proxy.ts";

/** The forms in which people run Redis: `--redis FORM`. */
export const REDIS_FORMS = ["single", "cluster", "sentinel"] as const;
export type RedisForm = (typeof REDIS_FORMS)[number];

/** The Redis of a round, in one of the forms. */
export type RedisGround = {
  /** REDIS_URL of a party that reaches it directly. */
  readonly url: string;
  /** Every address that a party may connect to. */
  readonly addresses: readonly [Address, ...Address[]];
  /** REDIS_URL of a party that reaches these addresses through doors of its own, in the same order. */
  urlThrough(doors: readonly Address[]): string;
  /** Waits until the Redis that has the key serves, and returns it. */
  serving(key: string): Promise<Store>;
  /** From now on `serving` returns this one; where one Redis can be replaced by another. */
  lead?(next: Store): void;
  readonly cluster: RedisCluster | undefined;
  readonly sentinels: SentinelGroup | undefined;
  close(): Promise<unknown>;
};

export function urlOf({ host, port }: Address): string {
  return `redis://${host}:${port}`;
}
