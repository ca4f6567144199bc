import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "redis";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { programOnPath } from "../../local/program.mjs";
import { LocalStackError, type Store } from "../../local/store.ts";
import { startStoreProcess } from "../../local/store-process.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { HANG_MS } from "./patience.ts";
import { temporaryDir } from "./temporary-dir.ts";

export type ClusterOptions = {
  /** `requirepass` and `masterauth` of every node. */
  readonly password?: string;
  /**
   * A user beside the default one, with `rights` as ACL SETUSER takes them; default: all keys, all commands.
   */
  readonly user?: { readonly name: string; readonly password: string; readonly rights?: readonly string[] };
  /** TLS only, with certificates of its own authority (`caFile`). */
  readonly tls?: boolean;
  /** An append-only file, so that a node comes back with its data. Default: no file. */
  readonly persistent?: boolean;
  /** One replica for each of the three masters (default), or none. */
  readonly replicas?: boolean;
  /**
   * Whether a replica takes over by itself when its master has failed; default: only on CLUSTER FAILOVER
   * TAKEOVER.
   */
  readonly automaticFailover?: boolean;
  /**
   * A node that does not answer for so long counts as failed; on a busy machine a short time-out causes false
   * failures.
   */
  readonly nodeTimeoutMs?: number;
  /** More redis-server arguments; they come last and override the others. */
  readonly args?: readonly string[];
};

export type ClusterNode = {
  /**
   * Kills, suspends and starts the node; a restarted node has its place in the cluster, its password and its
   * user again.
   */
  readonly store: Store;
  readonly id: string;
  /** Connects as the default user, sends the command to this node only, and closes. */
  ask(...command: readonly string[]): Promise<unknown>;
};

/**
 * A real Redis Cluster on this machine: nodes 0 to 2 are masters; node 3 replicates node 0, 4 replicates 1, 5
 * replicates 2.
 */
export type RedisCluster = {
  readonly nodes: readonly ClusterNode[];
  /** REDIS_URL of all nodes, with the user's credentials if there is one, else the password, in each. */
  readonly url: string;
  /** The CA that clients must trust (their NODE_EXTRA_CA_CERTS); undefined without TLS. */
  readonly caFile: string | undefined;
  /** URL of one node, with the same credentials. */
  urlOf(node: ClusterNode): string;
  /** The master of the key's slot, as listed by `asked` (default: the first running node). */
  masterOf(key: string, asked?: ClusterNode): Promise<ClusterNode>;
  /** Waits until each running node reports `cluster_state:ok` and each replica is in step with its master. */
  untilOk(deadlineMs?: number): Promise<void>;
  close(): Promise<void>;
};

const MASTERS = 3;
const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 15_000;
const START_TRIES = 3;
const OK_DEADLINE_MS = HANG_MS;
const POLL_MS = 25;

/**
 * Starts all nodes again if another process took one of the ports meanwhile, or a node started too slowly on
 * a busy machine.
 */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (attempt === START_TRIES || !/in use|did not answer/.test(String(error))) throw error;
    }
  }
}

async function startOnce(options: ClusterOptions): Promise<RedisCluster> {
  const dir = temporaryDir();
  const stores: Store[] = [];
  const close = async () => {
    await Promise.all(stores.map((store) => store.kill()));
    dir.remove();
  };
  try {
    const certificates = options.tls === true ? makeCertificates(dir.path) : undefined;
    const plans = await planNodes(options.replicas === false ? MASTERS : 2 * MASTERS);
    const started = await Promise.allSettled(
      plans.map(async (plan, i) => {
        const nodeDir = join(dir.path, `node-${i}`);
        mkdirSync(nodeDir);
        writeFileSync(join(nodeDir, "nodes.conf"), nodesFile(plans, plan));
        const store = await startNode(nodeDir, plan, options, certificates);
        stores.push(store);
        return openNode(store, plan.id, options, certificates);
      }),
    );
    const nodes = started.map((one) => {
      if (one.status === "rejected") throw one.reason;
      return one.value;
    });
    const cluster = clusterOf(nodes, options, certificates, close);
    await cluster.untilOk();
    return cluster;
  } catch (error) {
    await close();
    throw error;
  }
}

type NodePlan = { readonly id: string; readonly port: number; readonly busPort: number };

/**
 * The port of the bus between nodes is a free port too: the default, 10000 above the other one, may not
 * exist.
 */
async function planNodes(count: number): Promise<NodePlan[]> {
  const plans: NodePlan[] = [];
  while (plans.length < count) {
    plans.push({ id: randomBytes(20).toString("hex"), port: await freePort(), busPort: await freePort() });
  }
  return plans;
}

/**
 * The file in which a node keeps its view of the cluster. Written before the start, it saves the seconds in
 * which nodes otherwise find each other.
 */
function nodesFile(plans: readonly NodePlan[], self: NodePlan): string {
  const share = Math.ceil(SLOTS / MASTERS);
  const lines = plans.map((plan, i) => {
    const master = plans[i - MASTERS];
    const role = master === undefined ? "master" : "slave";
    const slots = ` ${i * share}-${Math.min(SLOTS, (i + 1) * share) - 1}`;
    const words = [
      ...[plan.id, `127.0.0.1:${plan.port}@${plan.busPort}`, plan === self ? `myself,${role}` : role],
      ...[master?.id ?? "-", "0", "0", String((i % MASTERS) + 1), "connected"],
    ];
    return `${words.join(" ")}${master === undefined ? slots : ""}\n`;
  });
  return `${lines.join("")}vars currentEpoch ${MASTERS} lastVoteEpoch 0\n`;
}

function clusterOf(
  nodes: readonly ClusterNode[],
  options: ClusterOptions,
  certificates: Certificates | undefined,
  close: () => Promise<void>,
): RedisCluster {
  const { name = "", password } = options.user ?? { password: options.password };
  const credentials =
    password === undefined ? "" : `${encodeURIComponent(name)}:${encodeURIComponent(password)}@`;
  const scheme = certificates === undefined ? "redis" : "rediss";
  const urlOf = ({ store }: ClusterNode) => `${scheme}://${credentials}${store.host}:${store.port}`;
  return {
    nodes,
    url: nodes.map(urlOf).join(","),
    caFile: certificates?.caFile,
    urlOf,
    async masterOf(key, asked = nodes.find(({ store }) => store.isRunning)) {
      const slot = Number(await asked?.ask("CLUSTER", "KEYSLOT", key));
      const shards = (await asked?.ask("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
      const [, , [, , id] = []] = shards.find(([from, to]) => from <= slot && slot <= to) ?? [];
      const found = nodes.find((node) => node.id === id);
      if (found === undefined) throw new Error(`no node has slot ${slot} of ${key}`);
      return found;
    },
    untilOk: (deadlineMs = OK_DEADLINE_MS) =>
      eventually("the cluster is whole", () => isWhole(nodes), deadlineMs),
    close,
  };
}

async function isWhole(nodes: readonly ClusterNode[]): Promise<boolean> {
  const running = nodes.filter(({ store }) => store.isRunning);
  const views = await Promise.all(
    running.map(async (node) => {
      const [cluster, replication] = await Promise.all([
        node.ask("CLUSTER", "INFO"),
        node.ask("INFO", "replication"),
      ]);
      const inStep = !/role:slave/.test(String(replication)) || /link_status:up/.test(String(replication));
      return String(cluster).includes("cluster_state:ok") && inStep;
    }),
  );
  return views.every(Boolean);
}

async function eventually(
  what: string,
  condition: () => Promise<boolean>,
  deadlineMs = OK_DEADLINE_MS,
): Promise<void> {
  const tried = () => condition().catch(() => false);
  if (!(await until(tried, deadlineMs, POLL_MS))) throw new Error(`waited in vain: ${what}`);
}

async function startNode(
  dir: string,
  plan: NodePlan,
  options: ClusterOptions,
  certificates: Certificates | undefined,
): Promise<Store> {
  const program = programOnPath("redis-server");
  if (program === undefined) throw new LocalStackError("redis-server is not on PATH: run `npm run setup`");
  const { password, persistent = false, nodeTimeoutMs = NODE_TIMEOUT_MS, args = [] } = options;
  const { automaticFailover = false } = options;
  const portArgs = (port: number) =>
    certificates === undefined
      ? ["--port", String(port)]
      : [
          ...["--port", "0", "--tls-port", String(port), "--tls-cluster", "yes", "--tls-replication", "yes"],
          ...["--tls-auth-clients", "no", "--tls-ca-cert-file", certificates.caFile],
          ...["--tls-cert-file", certificates.certFile, "--tls-key-file", certificates.keyFile],
        ];
  return startStoreProcess(
    {
      kind: "redis",
      origin: "redis-server",
      dir,
      logFile: join(dir, "redis.log"),
      portAdvice: "Another process took it meanwhile; try again.",
      urlAt: (host, port) => `${certificates === undefined ? "redis" : "rediss"}://${host}:${port}`,
      commandAt: (host, port) => [
        program,
        ...["--bind", host, "--protected-mode", "no", "--daemonize", "no", "--dir", dir],
        ...portArgs(port),
        ...["--cluster-enabled", "yes", "--cluster-port", String(plan.busPort)],
        ...["--cluster-node-timeout", String(nodeTimeoutMs), "--cluster-replica-validity-factor", "0"],
        ...["--cluster-replica-no-failover", automaticFailover ? "no" : "yes"],
        ...["--save", "", "--appendonly", persistent ? "yes" : "no", "--appendfsync", "everysec"],
        ...["--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0"],
        ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
        ...args,
      ],
      answeringPid: async (host, port) => {
        const info = await askOnce({ host, port }, options, certificates, ["INFO", "server"]).catch(() => "");
        const pid = /process_id:(\d+)/.exec(String(info))?.[1];
        return pid === undefined ? undefined : Number(pid);
      },
    },
    plan.port,
  );
}

async function openNode(
  store: Store,
  id: string,
  options: ClusterOptions,
  certificates: Certificates | undefined,
): Promise<ClusterNode> {
  const ask = (...command: readonly string[]) => askOnce(store, options, certificates, command);
  const prepare = async () => {
    if (options.user === undefined) return;
    const { name, password, rights = ["~*", "&*", "+@all"] } = options.user;
    await ask("ACL", "SETUSER", name, "reset", "on", `>${password}`, ...rights);
  };
  await prepare();
  const start = store.start.bind(store);
  const restart = store.restart.bind(store);
  const prepared = Object.assign(store, {
    start: () => start().then(prepare),
    restart: () => restart().then(prepare),
  });
  return { store: prepared, id, ask };
}

async function askOnce(
  { host, port }: { readonly host: string; readonly port: number },
  { password }: ClusterOptions,
  certificates: Certificates | undefined,
  command: readonly string[],
): Promise<unknown> {
  const address = {
    host,
    port,
    // Bounds against hanging on a node that is suspended, for example: on a busy machine a short reply takes
    // seconds.
    connectTimeout: 30_000,
    socketTimeout: 30_000,
    reconnectStrategy: false,
  } as const;
  const client = createClient({
    ...(password === undefined ? {} : { password }),
    socket:
      certificates === undefined ? address : { ...address, tls: true, ca: readFileSync(certificates.caFile) },
  });
  client.on("error", () => {}); // `connect` or the command rejects with it
  try {
    await client.connect();
    return await client.sendCommand([...command]);
  } finally {
    client.destroy();
  }
}
