import { mkdirSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import { createReleases } from "../../../../bench/releases.ts";
import type { Store } from "../../../../local/store.ts";
import { openRawRedis, type RawRedis } from "../../../support/raw-redis.ts";
import type { RedisCluster } from "../../../support/redis-cluster.ts";
import type { SentinelGroup } from "../../../support/redis-group.ts";
import { type ReplicaSet, startReplicaSet } from "../../../support/replica-set/replica-set.ts";
import { type ClusterPlan, startClusterRedis } from "./cluster-redis.ts";
import type { Product } from "./product.ts";
import type { RedisForm } from "./redis-form.ts";
import { clockFrom, RECONNECT_MS } from "./redis-node.ts";
import { type SentinelPlan, startSentinelRedis } from "./sentinel-redis.ts";
import { prepareServer, type Server } from "./server.ts";
import { startSingleRedis } from "./single-redis.ts";

export const OPERATOR_TOKEN = "chaos-operators-token-7f3a9c";

/** How the ground of a round differs from the ordinary one. */
export type GroundPlan = {
  /** The roles of each process; default: two with all roles. */
  readonly roles?: readonly string[];
  /** Added to each server's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The health pages of each process have a port of their own. */
  readonly ownPages?: true;
  /** The processes that read their clock from `clockFile`, `events`: with that role alone; default: none. */
  readonly fakeClocks?: "redis" | "servers" | "events";
  /** Where Redis keeps its files; default: in the round's folder. Called before Redis starts. */
  readonly redisDir?: (roundDir: string) => Promise<{ dir: string; release: () => Promise<void> }>;
  /** The servers have a stand-in for a replica set instead of the engine itself. */
  readonly replicaSet?: true;
  /** Where Redis is a cluster. */
  readonly cluster?: ClusterPlan;
  /** Where Sentinels watch it. */
  readonly sentinel?: SentinelPlan;
};

/** The basis of one round: its own Redis and database, and the server processes. */
export type Ground = {
  readonly dir: string;
  readonly form: RedisForm;
  /** REDIS_URL of the audit. */
  readonly redisUrl: string;
  /** The Redis that has the campaign, and a plain connection to it. */
  readonly redis: Store;
  readonly raw: RawRedis;
  readonly cluster: RedisCluster | undefined;
  readonly sentinels: SentinelGroup | undefined;
  /**
   * Waits until the Redis that has the campaign serves, which may be another one by now: `redis` and `raw`
   * are that one from then on. The first call names a key of the campaign.
   */
  follow(key?: string): Promise<void>;
  /** Replaces the single Redis: points the servers to the given one, which is then the audited one. */
  moveTo(redis: Store): Promise<void>;
  /** The same, but only for new connections; the proxies leave the established ones alone. */
  leadTo(redis: Store): Promise<void>;
  /** The engine, which the audit reads. */
  readonly mongodb: Store;
  readonly replicaSet: ReplicaSet | undefined;
  readonly database: string;
  readonly db: Db;
  readonly servers: readonly Server[];
  readonly logLines: readonly string[];
  /** The offset of false clocks, in seconds: `+3600` is an hour ahead. */
  readonly clockFile: string;
  /** Registers a resource that the round started itself, for release at its end. */
  own(what: string, release: () => Promise<unknown> | unknown): void;
  close(): Promise<void>;
};

export type GroundOptions = {
  readonly dir: string;
  readonly database: string;
  readonly mongodb: Store;
  readonly product: Product;
  readonly plan: GroundPlan;
  readonly form: RedisForm;
};

const ALL_ROLES = "server,scheduler,generator";
const LOG_LINES_MAX = 200_000;
const MONGO_WAIT_MS = 3_000;

export async function layGround(options: GroundOptions): Promise<Ground> {
  const { dir, database, mongodb, product, plan, form } = options;
  const releases = createReleases();
  mkdirSync(dir, { recursive: true });
  releases.add("the round's folder", () => rm(dir, { recursive: true, force: true }));
  const clockFile = join(dir, "clock");
  try {
    if (plan.fakeClocks !== undefined) await writeClock(clockFile, 0);
    const redises = await startRedises(options, clockFile, releases.add);
    releases.add("Redis", redises.close);
    let key = "";
    let redis = await redises.serving(key);
    let raw = await openRawRedis(redis.url, RECONNECT_MS);
    releases.add("a connection to Redis", () => raw.destroy());
    const mongo = new MongoClient(mongodb.url, {
      readConcern: { level: "majority" },
      serverSelectionTimeoutMS: MONGO_WAIT_MS,
      connectTimeoutMS: MONGO_WAIT_MS,
    });
    releases.add("a connection to MongoDB", () => mongo.close(true));
    const db = mongo.db(database);
    releases.add("the round's database", () => db.dropDatabase().catch(() => {}));

    const replicaSet = plan.replicaSet === true ? await startReplicaSet(mongodb) : undefined;
    if (replicaSet !== undefined) releases.add("the replica set", replicaSet.close);

    const logLines: string[] = [];
    const roles = plan.roles ?? [ALL_ROLES, ALL_ROLES];
    const hasFakeClock = (of: string) => plan.fakeClocks === "servers" || plan.fakeClocks === of;
    const servers = await Promise.all(
      roles.map((each, index) =>
        prepareServer({
          name: String.fromCharCode(65 + index),
          product,
          redis: redises,
          mongodb,
          roles: each,
          hasOwnPages: plan.ownPages,
          env: {
            ...{ MONGODB_DATABASE: database, OPERATOR_TOKEN, ...plan.env },
            ...(hasFakeClock(each) ? clockFrom(clockFile) : {}),
            ...(replicaSet === undefined ? {} : { MONGODB_URL: replicaSet.url }),
          },
          onLine(line) {
            if (logLines.length < LOG_LINES_MAX) logLines.push(line);
          },
        }),
      ),
    );
    for (const server of servers) releases.add(`server ${server.name}`, () => server.close());
    await Promise.all(servers.map((server) => server.start()));
    const lookAt = async (next: Store) => {
      if (next === redis) return;
      raw.destroy();
      redis = next;
      raw = await openRawRedis(next.url, RECONNECT_MS);
    };
    const replaceBy = (next: Store) => {
      if (redises.lead === undefined) throw new Error(`a ${form} is not replaced by one Redis`);
      redises.lead(next);
      return lookAt(next);
    };
    return {
      ...{
        dir,
        form,
        mongodb,
        replicaSet,
        database,
        db,
        servers,
        logLines,
        clockFile,
        cluster: redises.cluster,
        sentinels: redises.sentinels,
      },
      get redisUrl() {
        return redises.url;
      },
      get redis() {
        return redis;
      },
      get raw() {
        return raw;
      },
      async follow(first) {
        key = first ?? key;
        await lookAt(await redises.serving(key));
      },
      async moveTo(next) {
        await replaceBy(next);
        for (const server of servers) server.redis.pointAt(next);
      },
      async leadTo(next) {
        await replaceBy(next);
        for (const server of servers) server.redis.leadTo(next);
      },
      own: releases.add,
      close: async () => void (await releases.all()),
    };
  } catch (error) {
    await releases.all();
    throw error;
  }
}

async function startRedises({ dir, plan, form }: GroundOptions, clockFile: string, own: Ground["own"]) {
  if (form === "cluster") return startClusterRedis(plan.cluster ?? {});
  if (form === "sentinel") return startSentinelRedis(plan.sentinel ?? {});
  const place = await plan.redisDir?.(dir);
  if (place !== undefined) own("Redis's folder", place.release);
  return startSingleRedis({
    dir: place?.dir ?? join(dir, "redis"),
    clockFile: plan.fakeClocks === "redis" ? clockFile : undefined,
  });
}

/** Sets the offset that libfaketime adds to the true time. */
export async function writeClock(file: string, seconds: number): Promise<void> {
  await writeFile(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  await rename(`${file}.new`, file);
}
