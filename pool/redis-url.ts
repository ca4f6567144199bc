import { redisUrlTrouble } from "../runtime/store-url.ts";
import { decoded } from "../runtime/url-secrets.ts";
import { UserError } from "../runtime/user-error.ts";

export type NodeAddress = { readonly host: string; readonly port: number };

/** Where a Redis listens: on a port, or on a socket of this machine. */
export type Endpoint = NodeAddress | { readonly path: string };

/** The files of TLS, by their paths, and the name that the certificate of Redis must have. */
export type RedisTls = {
  /** Authorities to trust beside those of Node.js. */
  readonly ca?: string;
  /** With `key`: what this service proves itself with. */
  readonly cert?: string;
  readonly key?: string;
  /** Absent: the host. */
  readonly servername?: string;
};

/** The Sentinels that watch a master, the name by which they know it, and their own credentials. */
export type Sentinels = {
  readonly nodes: readonly NodeAddress[];
  readonly master: string;
  readonly username?: string;
  readonly password?: string;
};

/** The content of REDIS_URL: where Redis is, and the credentials of every connection. */
export type RedisAddress = {
  /** More than one: nodes of a cluster. Empty until the Sentinels have named the master. */
  readonly nodes: readonly Endpoint[];
  readonly sentinels?: Sentinels;
  /** The ACL user; absent: the default user. */
  readonly username?: string;
  readonly password?: string;
  /** undefined: without TLS. */
  readonly tls: RedisTls | undefined;
  readonly database: number;
};

const DEFAULT_PORT = 6379;
const SENTINEL_PORT = 26379;

/**
 * Parses one URL, or several separated by commas. User, password and TLS of the first one apply to all nodes,
 * also to those that the cluster names later; another URL may omit the credentials and the options, but must
 * not give different ones.
 * @throws UserError that names the mistake and repeats no part of the URL
 */
export function parseRedisUrls(text: string): RedisAddress {
  const trouble = redisUrlTrouble(text);
  if (trouble !== undefined) throw refused(trouble);
  if (/^rediss?\+sentinel:/.test(text)) return parseSentinels(text);
  const all = text.split(",").map(parseOne);
  const [first] = all as [OneUrl];
  for (const [i, other] of all.entries()) {
    const differs = (what: string): never => {
      throw refused(`the ${what} of the first URL belong to all nodes, and URL ${i + 1} has others`);
    };
    if ((other.tls === undefined) !== (first.tls === undefined)) differs("scheme and TLS");
    for (const [name, value] of Object.entries(other.tls ?? {}))
      if (first.tls?.[name as keyof RedisTls] !== value) differs("options");
    const isGiven = other.username !== undefined || other.password !== undefined;
    if (isGiven && (other.username !== first.username || other.password !== first.password)) {
      differs("user and password");
    }
  }
  const { node: _, ...common } = first;
  return { ...common, nodes: all.map(({ node }) => node) };
}

/** `host:port`, or the path of a socket, for a message. */
export function hostOf(endpoint: Endpoint): string {
  if ("path" in endpoint) return endpoint.path;
  const { host, port } = endpoint;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function hostsOf({ nodes }: { readonly nodes: readonly Endpoint[] }): string {
  return nodes.map(hostOf).join(", ");
}

/** Those on ports: what the nodes of a cluster have. */
export function portsOf({ nodes }: Pick<RedisAddress, "nodes">): NodeAddress[] {
  return nodes.filter((node) => "port" in node);
}

function parseSentinels(text: string): RedisAddress {
  const [, scheme = "", user = "", hosts = "", rest = ""] =
    /^(.*?:\/\/)([^@]*@)?([^/]*)(.*)$/.exec(text) ?? [];
  const { options, ...parts } = partsOf(`${scheme}${user}sentinels${rest}`);
  const { db = "0", sentinelUser, sentinelPassword, ...tls } = options;
  const master = parts.path.slice(1);
  return {
    ...credentialsIn(parts),
    ...{ nodes: [], database: Number(db), tls: parts.scheme === "rediss+sentinel" ? tls : undefined },
    sentinels: {
      ...{ nodes: hosts.split(",").map((host) => nodeIn(host)), master },
      ...(sentinelUser === undefined ? {} : { username: sentinelUser }),
      ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
    },
  };
}

/** Of a host, and a port where it has one. */
function nodeIn(text: string): NodeAddress {
  const [, bracketed, plain = text, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain, port: port === undefined ? SENTINEL_PORT : Number(port) };
}

type OneUrl = Omit<RedisAddress, "nodes"> & { readonly node: Endpoint };

function parseOne(text: string): OneUrl {
  const { options, ...parts } = partsOf(text);
  const { db = "0", ...tls } = options;
  return parts.scheme === "redis+unix"
    ? { ...credentialsIn(parts), node: { path: decoded(parts.path) }, tls: undefined, database: Number(db) }
    : {
        ...credentialsIn(parts),
        node: {
          host: parts.host.replace(/^\[(.*)\]$/, "$1"),
          port: parts.port === "" ? DEFAULT_PORT : Number(parts.port),
        },
        tls: parts.scheme === "rediss" ? tls : undefined,
        database: Number(parts.path.slice(1)),
      };
}

type Options = RedisTls & {
  readonly db?: string;
  readonly sentinelUser?: string;
  readonly sentinelPassword?: string;
};

/** The parts of a URL that has no trouble. */
function partsOf(text: string) {
  // A URL of another scheme than HTTP's need not have a host, and `URL` then gives no user.
  const url = new URL(text.replace(/^redis\+unix:\/\/([^/]*)\//, "redis+unix://$1socket/"));
  return {
    scheme: url.protocol.slice(0, -1),
    ...{ user: url.username, secret: url.password, host: url.hostname, port: url.port, path: url.pathname },
    // Not `searchParams`: it takes a + of a path as a blank.
    options: Object.fromEntries(
      url.search
        .slice(1)
        .split("&")
        .filter((option) => option !== "")
        .map((option) => option.split("=").map(decoded)),
    ) as Options,
  };
}

function credentialsIn({ user, secret }: { readonly user: string; readonly secret: string }) {
  const [username, password] = [user, secret].map(decodeURIComponent);
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function refused(why: string): UserError {
  return new UserError(`configuration: REDIS_URL: ${why}`);
}
