import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { type Clients, connectClients } from "../../../bench/load/connect-client.ts";
import type { Releases } from "../../../bench/releases.ts";
import { orAborted } from "../../../bench/releases.ts";
import { builtProduct, removeBuiltProduct } from "../../../local/built.ts";
import { startMongodb } from "../../../local/mongodb-server.ts";
import { startRedis } from "../../../local/redis-server.ts";
import type { Store } from "../../../local/store.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { type Balancer, startBalancer } from "./balancer.ts";
import { type HostName, layNetwork, type Network } from "./network.ts";
import { SERVER_HOSTS, type ServerProcesses, STORE_PORTS, startServerHost } from "./server-host.ts";

export const DATABASE = "hosts";

/** All hosts with their processes; they run through all rounds. */
export type Ground = {
  readonly network: Network;
  readonly dir: string;
  readonly redis: Store;
  readonly mongodb: Store;
  readonly mongo: MongoClient;
  readonly servers: readonly ServerProcesses[];
  readonly balancer: Balancer;
  readonly operators: Clients;
};

/** As in production; SHUTDOWN_DELAY_MS as docs/operations.md tells for haproxy. */
const SERVICE = {
  ...{ MONGODB_DATABASE: DATABASE, OPERATOR_TOKEN, CLAIM_AUTH: "open", LOG_LEVEL: "info" },
  SHUTDOWN_DELAY_MS: "5000",
};

export async function openGround(releases: Releases, signal: AbortSignal): Promise<Ground> {
  releases.add("the built product", removeBuiltProduct);
  const dir = temporaryDir();
  releases.add("the folder", () => rm(dir.path, { recursive: true, force: true, maxRetries: 3 }));
  const [network, built] = await orAborted(Promise.all([layNetwork(), builtProduct()]), signal);
  const placeOf = (host: HostName) => ({ host: network.addressOf(host), through: network.through(host) });
  const redis = await startRedis({
    ...{ dir: join(dir.path, "redis"), port: STORE_PORTS.redis, place: placeOf("redis") },
    // Without a password Redis would refuse all that do not come over loopback.
    args: ["--protected-mode", "no"],
  });
  releases.add("Redis", () => redis.kill());
  const mongodb = await orAborted(
    startMongodb({
      ...{ dir: join(dir.path, "mongodb"), port: STORE_PORTS.mongodb, place: placeOf("mongodb") },
    }),
    signal,
  );
  releases.add("MongoDB", () => mongodb.kill());
  const mongo = new MongoClient(mongodb.url, { readConcern: { level: "majority" } });
  releases.add("the connection to MongoDB", () => mongo.close(true));
  const entry = join(built, "server", "main.js");
  const env = { ...SERVICE, TRUST_PROXY: network.addressOf("haproxy") };
  const servers: ServerProcesses[] = [];
  for (const host of SERVER_HOSTS) {
    signal.throwIfAborted();
    const server = await startServerHost(network, host, entry, env);
    releases.add(host, server.close);
    servers.push(server);
  }
  const balancer = await startBalancer(network, dir.path);
  releases.add("haproxy", balancer.close);
  const operators = connectClients(balancer.operatorsUrl, OPERATOR_TOKEN);
  releases.add("the operator's connections", operators.close);
  return { network, dir: dir.path, redis, mongodb, mongo, servers, balancer, operators };
}
