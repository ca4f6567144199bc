import { createClient } from "redis";
import { masterAddress } from "../../pool/master-finder.ts";
import { credentialsOf } from "../../pool/redis-client-options.ts";
import { askKind } from "../../pool/redis-kind.ts";
import { type Endpoint, parseRedisUrls } from "../../pool/redis-url.ts";

/** The masters at REDIS_URL, which the service may use: a single server, or the nodes of a cluster. */
export type Masters = {
  configSet(name: string, value: string): Promise<void>;
  /** The names of all keys, in order. */
  keys(): Promise<string[]>;
  destroy(): void;
};

type Client = Awaited<ReturnType<typeof connect>>;
type SocketOptions = NonNullable<NonNullable<Parameters<typeof createClient>[0]>["socket"]>;
type Credentials = ReturnType<typeof credentialsOf>;

async function connect({ socket, ...credentials }: Credentials, node: Endpoint) {
  const client = createClient({ ...credentials, socket: { ...socket, ...node } as SocketOptions });
  client.on("error", () => {}); // the command under way rejects with it
  await client.connect();
  return client;
}

export async function openMasters(url: string): Promise<Masters> {
  const address = await masterAddress(parseRedisUrls(url));
  const credentials = credentialsOf(address);
  const kind = await askKind(address);
  const [first] = address.nodes;
  if (first === undefined) throw new Error("REDIS_URL has no address");
  const nodes = kind === "server" ? [first] : await mastersOf(credentials, address.nodes);
  const clients: Client[] = [];
  const destroy = () => {
    for (const client of clients) client.destroy();
  };
  try {
    for (const node of nodes) clients.push(await connect(credentials, node));
  } catch (error) {
    destroy();
    throw error;
  }
  return {
    async configSet(name, value) {
      await Promise.all(clients.map((client) => client.configSet(name, value)));
    },
    async keys() {
      return (await Promise.all(clients.map((client) => client.keys("*")))).flat().sort();
    },
    destroy,
  };
}

/** The masters of the cluster, as the first address that answers reports them. */
async function mastersOf(credentials: Credentials, roots: readonly Endpoint[]) {
  const slotsOf = async (root: Endpoint) => {
    const client = await connect(credentials, root);
    try {
      const slots = await client.clusterSlots();
      // A node to which its own address is unknown leaves it out: it is the node of this connection.
      return slots.map(({ master }) => ({
        host: master.host || ("host" in root ? root.host : ""),
        port: master.port,
      }));
    } finally {
      client.destroy();
    }
  };
  const masters = await Promise.any(roots.map(slotsOf));
  return [...new Map(masters.map((node) => [`${node.host}:${node.port}`, node])).values()];
}
