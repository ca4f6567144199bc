import { mkdirSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import { createReleases } from "../../../../bench/releases.ts";
import type { Store } from "../../../../local/store.ts";
import { openRawRedis, type RawRedis } from "../../../support/raw-redis.ts";
import type { Product } from "./product.ts";
import { clockFrom, RECONNECT_MS, startRedisNode } from "./redis-node.ts";
import { prepareServer, type Server } from "./server.ts";

export const OPERATOR_TOKEN = "chaos-operators-token-7f3a9c";

/** How the ground of a round differs from the ordinary one. */
export type GroundPlan = {
  /** The roles of each process; default: two with all roles. */
  readonly roles?: readonly string[];
  /** Added to each server's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The processes that read their clock from `clockFile`; default: none. */
  readonly fakeClocks?: "redis" | "servers";
  /** Where Redis keeps its files; default: in the round's folder. Called before Redis starts. */
  readonly redisDir?: (roundDir: string) => Promise<{ dir: string; release: () => Promise<void> }>;
};

/** The basis of one round: its own Redis and database, and the server processes. */
export type Ground = {
  readonly dir: string;
  /** The Redis that servers and audit use now, and a plain connection to it. */
  readonly redis: Store;
  readonly raw: RawRedis;
  /** Replaces Redis: points the servers to the given one, which is then the audited one. */
  moveTo(redis: Store): Promise<void>;
  /** The same, but only for new connections; the proxies leave the established ones alone. */
  leadTo(redis: Store): Promise<void>;
  readonly mongodb: Store;
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
};

const ALL_ROLES = "server,scheduler,generator";
const LOG_LINES_MAX = 200_000;
const MONGO_WAIT_MS = 3_000;

export async function layGround(options: GroundOptions): Promise<Ground> {
  const { dir, database, mongodb, product, plan } = options;
  const releases = createReleases();
  mkdirSync(dir, { recursive: true });
  releases.add("the round's folder", () => rm(dir, { recursive: true, force: true }));
  const clockFile = join(dir, "clock");
  try {
    let redisDir = join(dir, "redis");
    if (plan.redisDir !== undefined) {
      const place = await plan.redisDir(dir);
      redisDir = place.dir;
      releases.add("Redis's folder", place.release);
    }
    if (plan.fakeClocks !== undefined) await writeClock(clockFile, 0);
    let redis = await startRedisNode({
      dir: redisDir,
      clockFile: plan.fakeClocks === "redis" ? clockFile : undefined,
    });
    const [firstRedis] = [redis];
    releases.add("Redis", () => firstRedis.kill());
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

    const logLines: string[] = [];
    const roles = plan.roles ?? [ALL_ROLES, ALL_ROLES];
    const lie = plan.fakeClocks === "servers" ? clockFrom(clockFile) : {};
    const servers = await Promise.all(
      roles.map((each, index) =>
        prepareServer({
          name: String.fromCharCode(65 + index),
          product,
          redis,
          mongodb,
          roles: each,
          env: { MONGODB_DATABASE: database, OPERATOR_TOKEN, ...lie, ...plan.env },
          onLine(line) {
            if (logLines.length < LOG_LINES_MAX) logLines.push(line);
          },
        }),
      ),
    );
    for (const server of servers) releases.add(`server ${server.name}`, () => server.close());
    await Promise.all(servers.map((server) => server.start()));
    const audit = async (next: Store) => {
      raw.destroy();
      redis = next;
      raw = await openRawRedis(next.url, RECONNECT_MS);
    };
    return {
      ...{ dir, mongodb, database, db, servers, logLines, clockFile },
      get redis() {
        return redis;
      },
      get raw() {
        return raw;
      },
      async moveTo(next) {
        await audit(next);
        for (const server of servers) server.redis.pointAt(next);
      },
      async leadTo(next) {
        await audit(next);
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

/** Sets the offset that libfaketime adds to the true time. */
export async function writeClock(file: string, seconds: number): Promise<void> {
  await writeFile(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  await rename(`${file}.new`, file);
}
