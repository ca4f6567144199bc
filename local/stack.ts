import { join, resolve } from "node:path";
import { type Claim, claimDataDir, type StoreRecord } from "./data-claim.ts";
import { givenStore } from "./given-store.ts";
import { startMongodb } from "./mongodb-server.ts";
import type { RedisGroup, RedisGroupKind } from "./redis-group/settings.ts";
import { portsOfGroup, startRedisGroup } from "./redis-group.ts";
import { storeOfGroup } from "./redis-group-store.ts";
import { startRedis } from "./redis-server.ts";
import { LocalStackError, type Store, type StoreKind } from "./store.ts";
import { storePassword } from "./store-password.ts";

const MAX_TRIES = 5;
const PORT_MAX = 65_535;

type OthersClaim = Extract<Claim, { readonly ours: false }>;

export interface StackOptions {
  /** The folder for all that the stores write. One stack at a time uses it. */
  readonly dataDir: string;
  /** Use this Redis instead of starting one (REDIS_URL, read by the caller). */
  readonly redisUrl?: string | undefined;
  /** Use this MongoDB instead of starting one (MONGODB_URL, read by the caller). */
  readonly mongodbUrl?: string | undefined;
  /** Start a group of Redis processes instead of one. */
  readonly redisGroup?: RedisGroupKind | undefined;
  /** 0 or absent: any free port. Of a group: its first port, the others follow. */
  readonly redisPort?: number | undefined;
  readonly mongodbPort?: number | undefined;
  readonly redisArgs?: readonly string[] | undefined;
  /** Default: `logs` in the data folder. */
  readonly logDir?: string | undefined;
  /** Stores that are started here demand a password, which is in their URLs. */
  readonly withPassword?: boolean | undefined;
  /** How long a store that was given may take to answer (START_DEADLINE_MS). */
  readonly givenWithinMs?: number | undefined;
  /** Called before a store is started; not for a store that was given or is joined. */
  readonly onStart?: ((kind: StoreKind) => void) | undefined;
  /** true (default): use the stores that already run on this data folder; false: that is an error. */
  readonly join?: boolean | undefined;
}

export interface Stack {
  readonly redis: Store;
  readonly mongodb: Store;
  /** Where Redis is a group that this stack has started. */
  readonly redisGroup?: RedisGroup;
  readonly dataDir: string;
  /** Whether another process runs the stores of this data folder, and this stack only uses them. */
  readonly joined: boolean;
  /** Stops the stores that this stack started, last started first. Safe to call again. */
  stop(): Promise<void>;
}

/**
 * Finds or starts a Redis and a MongoDB, both answering when it resolves. For each: a given URL, a server
 * program on PATH, for MongoDB the embedded engine; else an error that says what to do.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = resolve(options.dataDir);
  if (options.redisUrl !== undefined && options.mongodbUrl !== undefined) {
    return ready(options, { dataDir, claim: undefined, own: [] });
  }
  for (let attempt = 1; ; attempt += 1) {
    const claim = await claimDataDir(dataDir);
    if (!claim.ours && options.join === false) {
      throw new LocalStackError(
        `Process ${claim.ownerPid} already runs stores on ${dataDir}. End it, or choose another data folder.`,
      );
    }
    const own: Store[] = [];
    try {
      return await ready(options, { dataDir, claim, own });
    } catch (error) {
      await stopAll(own);
      if (claim.ours) claim.release();
      // An owner that ends while this process joins it also ends its stores: then the folder is free.
      if (claim.ours || claim.isOwnerAlive() || attempt === MAX_TRIES) throw error;
    }
  }
}

interface Ground {
  readonly dataDir: string;
  readonly claim: Claim | undefined;
  /** The stores started so far, so that they are stopped after a failure half way. */
  readonly own: Store[];
}

async function ready(options: StackOptions, { dataDir, claim, own }: Ground): Promise<Stack> {
  const logDir = resolve(options.logDir ?? join(dataDir, "logs"));
  const joinable = claim?.ours === false ? claim : undefined;
  const password =
    options.withPassword === true && claim?.ours === true ? await storePassword(dataDir) : undefined;
  const find = async (kind: StoreKind, url: string | undefined, port = 0, start: () => Promise<Store>) => {
    if (url !== undefined)
      return answering(givenStore(kind, url, { origin: "given", withinMs: options.givenWithinMs }));
    if (joinable !== undefined) return joinedStore(kind, joinable, port);
    options.onStart?.(kind);
    const store = await start();
    own.push(store);
    return store;
  };
  let group: RedisGroup | undefined;
  const redis = await find("redis", options.redisUrl, options.redisPort, async () => {
    if (options.redisGroup !== undefined) {
      const folder = join(dataDir, `redis-${options.redisGroup}`);
      group = await startGroup(options.redisGroup, folder, options.redisPort, password?.password);
      return storeOfGroup(group, folder);
    }
    return startRedis({
      dir: join(dataDir, "redis"),
      port: options.redisPort,
      args: options.redisArgs,
      password: password?.password,
      logFile: join(logDir, "redis.log"),
    });
  });
  const wanted = options.redisGroup;
  if (joinable !== undefined && wanted !== undefined && groupKindOf(redis.url) !== wanted) {
    throw new LocalStackError(
      `Process ${joinable.ownerPid} runs ${groupKindOf(redis.url) ?? "a single Redis"} on ${dataDir}, not ${wanted}. End it, or choose another data folder (LOCAL_DATA_DIR).`,
    );
  }
  const mongodb = await find("mongodb", options.mongodbUrl, options.mongodbPort, () =>
    startMongodb({
      dir: join(dataDir, "mongodb"),
      port: options.mongodbPort,
      password,
      logFile: join(logDir, "mongodb.log"),
    }),
  );
  if (claim?.ours === true) claim.publish({ redis, mongodb });
  let stopped: Promise<void> | undefined;
  return {
    redis,
    mongodb,
    ...(group === undefined ? {} : { redisGroup: group }),
    dataDir,
    joined: joinable !== undefined,
    stop() {
      stopped ??= stopAll(own).finally(() => {
        if (claim?.ours === true) claim.release();
      });
      return stopped;
    },
  };
}

function startGroup(
  kind: RedisGroupKind,
  folder: string,
  firstPort = 0,
  password: string | undefined,
): Promise<RedisGroup> {
  const count = portsOfGroup({ kind });
  if (firstPort + count - 1 > PORT_MAX) {
    throw new LocalStackError(
      `LOCAL_REDIS_PORT is the first of ${count} ports: ${firstPort} is too high for that.`,
    );
  }
  return startRedisGroup({
    ...{ kind, folder },
    ...(password === undefined ? {} : { password }),
    ...(firstPort === 0 ? {} : { ports: Array.from({ length: count }, (_, i) => firstPort + i) }),
  });
}

/** undefined: a single Redis. */
function groupKindOf(url: string): RedisGroupKind | undefined {
  if (url.includes("+sentinel://")) return "sentinel";
  return url.includes(",") ? "cluster" : undefined;
}

async function joinedStore(kind: StoreKind, claim: OthersClaim, port: number): Promise<Store> {
  const record: StoreRecord = claim.stores[kind];
  const store = givenStore(kind, record.url, {
    origin: "joined",
    pid: record.process?.pid,
    dir: record.dir,
    logFile: record.logFile,
    isExpected: claim.isOwnerAlive,
  });
  if (port !== 0 && port !== store.port) {
    throw new LocalStackError(
      `Process ${claim.ownerPid} runs ${kind} of this data folder on port ${store.port}, not ${port}. End it first.`,
    );
  }
  return answering(store);
}

async function answering(store: Store): Promise<Store> {
  await store.waitReady();
  return store;
}

/** Stops every store, even when another one cannot be stopped; throws the first error. */
async function stopAll(stores: readonly Store[]): Promise<void> {
  const failures: unknown[] = [];
  for (const store of stores.toReversed()) {
    try {
      await store.stop();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
