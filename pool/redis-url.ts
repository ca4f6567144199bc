import { redisUrlTrouble } from "../runtime/store-url.ts";
import { UserError } from "../runtime/user-error.ts";

export type NodeAddress = { readonly host: string; readonly port: number };

/** The content of REDIS_URL: where Redis is, and the credentials of every connection. */
export type RedisAddress = {
  /** More than one: nodes of a cluster. */
  readonly nodes: readonly NodeAddress[];
  /** The ACL user; absent: the default user. */
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
  readonly database: number;
};

const DEFAULT_PORT = 6379;

/**
 * Parses one URL, or several separated by commas. User, password and TLS of the first one apply to all nodes,
 * also to those that the cluster names later; another URL may omit the credentials, but must not give
 * different ones.
 * @throws UserError that names the mistake and repeats no part of the URL
 */
export function parseRedisUrls(text: string): RedisAddress {
  const trouble = redisUrlTrouble(text);
  if (trouble !== undefined) throw refused(trouble);
  const all = text.split(",").map(parseOne);
  const [first] = all as [OneUrl];
  for (const [i, other] of all.entries()) {
    const differs = (what: string): never => {
      throw refused(`the ${what} of the first URL belong to all nodes, and URL ${i + 1} has others`);
    };
    if (other.tls !== first.tls) differs("scheme and TLS");
    const isGiven = other.username !== undefined || other.password !== undefined;
    if (isGiven && (other.username !== first.username || other.password !== first.password)) {
      differs("user and password");
    }
  }
  const { node: _, ...common } = first;
  return { ...common, nodes: all.map(({ node }) => node) };
}

/** `host:port`, for a message. */
export function hostOf({ host, port }: NodeAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function hostsOf({ nodes }: Pick<RedisAddress, "nodes">): string {
  return nodes.map(hostOf).join(", ");
}

type OneUrl = Omit<RedisAddress, "nodes"> & { readonly node: NodeAddress };

function parseOne(text: string): OneUrl {
  const url = new URL(text);
  const [username, password] = [url.username, url.password].map(decodeURIComponent);
  return {
    node: {
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    },
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    tls: url.protocol === "rediss:",
    database: Number(url.pathname.slice(1)),
  };
}

function refused(why: string): UserError {
  return new UserError(`configuration: REDIS_URL: ${why}`);
}
