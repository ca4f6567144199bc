import { UserError } from "../runtime/user-error.ts";
import { type Greeting, greet, LEAST_MAJOR } from "./redis-greeting.ts";
import { type Endpoint, hostOf, type RedisAddress } from "./redis-url.ts";

/** The kind of Redis at an address: one server, or a node of a cluster. */
export type RedisKind = "server" | "cluster";

const ANSWER_WITHIN_MS = 5_000;

/**
 * Asks all addresses at once which kind of Redis answers there, and takes the first answer.
 * @throws UserError where waiting does not help: refused credentials or certificate, a Sentinel, a kind that
 * does not fit the list
 * @throws the error of the first address where none answers
 */
export async function askKind(
  address: RedisAddress,
  withinMs: number = ANSWER_WITHIN_MS,
): Promise<RedisKind> {
  const limitMs = Math.max(1, Math.min(ANSWER_WITHIN_MS, Math.round(withinMs)));
  const asked = address.nodes.map((node) => askOne(address, node, limitMs));
  const all = Promise.allSettled(asked);
  try {
    const kind = await Promise.any(asked);
    if (kind === "cluster" && address.sentinels !== undefined) {
      throw new UserError(
        `configuration: REDIS_URL: what the Sentinels name at ${hostOf(address.nodes[0] as Endpoint)} is a node of a Redis Cluster: give redis:// with its nodes`,
      );
    }
    if (kind === "cluster" && address.database !== 0) {
      throw new UserError("configuration: REDIS_URL: a Redis Cluster has no database but 0");
    }
    if (kind === "cluster" && address.nodes.some((node) => "path" in node)) {
      throw new UserError(
        "configuration: REDIS_URL: what answers at the socket is a node of a Redis Cluster, whose nodes have hosts and ports: give redis://",
      );
    }
    if (kind === "server" && address.nodes.length > 1) {
      throw new UserError(
        `configuration: REDIS_URL lists ${address.nodes.length} addresses, and what answers there is a single Redis, ` +
          "not a node of a Redis Cluster: give one URL",
      );
    }
    return kind;
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    const reasons = (await all).map((one) => (one.status === "rejected" ? one.reason : undefined));
    throw reasons.find((reason) => reason instanceof UserError) ?? reasons[0];
  }
}

async function askOne(address: RedisAddress, node: Endpoint, withinMs: number): Promise<RedisKind> {
  const { client, greeting } = await greet(address, node, withinMs);
  client.destroy();
  return kindOf(node, greeting);
}

function kindOf(node: Endpoint, { mode, version }: Greeting): RedisKind {
  if (mode === "sentinel") {
    throw new UserError(
      `configuration: REDIS_URL: ${hostOf(node)} is a Redis Sentinel, not a Redis: give redis+sentinel://host:port,host:port/NAME ` +
        "with the Sentinels and the name by which they know the master",
    );
  }
  if (Number.parseInt(version, 10) < LEAST_MAJOR) {
    throw new UserError(
      `configuration: REDIS_URL: Redis ${version} at ${hostOf(node)} is too old: ${LEAST_MAJOR}.0 or newer is needed`,
    );
  }
  return mode === "cluster" ? "cluster" : "server";
}
