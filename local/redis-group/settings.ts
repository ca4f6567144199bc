import type { Store } from "../store.ts";

export type RedisGroupKind = "cluster" | "sentinel";

export type RedisGroupOptions = {
  readonly kind: RedisGroupKind;
  /**
   * For all that the nodes write. A group that was started in it before comes back with its ports, its roles
   * and, if `appendOnly`, its data.
   */
  readonly folder: string;
  /** One for each node in their order, and in a cluster as many for its bus. Default: free ones. */
  readonly ports?: readonly number[];
  /** Of the default user on every node. Sentinels write it back without quotes: no blank in it. */
  readonly password?: string;
  /**
   * A user beside the default one on the nodes with data, with `rights` as ACL SETUSER takes them; default:
   * all keys, all commands.
   */
  readonly user?: { readonly name: string; readonly password: string; readonly rights?: readonly string[] };
  /** TLS only, with these files. */
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** An append-only file, written at each command (default), so that a node comes back with its data. */
  readonly appendOnly?: boolean;
  /** Cluster: one replica for each of the three masters (default), or none. */
  readonly replicas?: boolean;
  /** Cluster: whether a replica takes over by itself when its master has failed (default). */
  readonly automaticFailover?: boolean;
  /** After so long without an answer a node counts as failed; on a busy machine a short time fails others. */
  readonly failedAfterMs?: number;
  /** More redis-server arguments of the nodes with data; they override the others. */
  readonly args?: readonly string[];
};

/** One process of the group; each can be killed, paused, stopped and started by itself. */
export type GroupNode = Store & {
  /** The role at the first start; a failover changes that of a master and of a replica. */
  readonly role: "master" | "replica" | "sentinel";
  /** In a cluster its id, of a Sentinel its `myid`. */
  readonly id: string;
  /** Connects as the default user, sends the command to this node only, and closes. */
  ask(...command: readonly string[]): Promise<unknown>;
};

export type RedisGroup = {
  readonly kind: RedisGroupKind;
  /** REDIS_URL of the group, with the user's credentials if there is one, else the password. */
  readonly url: string;
  /** Masters, replicas, Sentinels. */
  readonly nodes: readonly GroupNode[];
  /** The master of the key now, as `asked` (default: any running node, or Sentinel) lists it. */
  masterOf(key: string, asked?: GroupNode): Promise<GroupNode>;
  /** Waits until the nodes that run have one view of the group, and each replica follows its master. */
  untilWhole(deadlineMs?: number): Promise<void>;
  /** Stops every process that runs. */
  stop(): Promise<void>;
  /** The same by SIGKILL, at once. */
  kill(): Promise<void>;
};

/** What the group's kind decides about a node, before it starts. */
export type NodePlan = {
  readonly role: GroupNode["role"];
  readonly id: string;
  readonly port: number;
  readonly dir: string;
  /** Lines of its configuration beside those that every node has: a name and its values. */
  readonly lines: readonly (readonly [name: string, ...values: string[]])[];
  /** Files that exist before its first start, by name. */
  readonly files?: Readonly<Record<string, string>>;
};
