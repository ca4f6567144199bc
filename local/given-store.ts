import { MongoClient } from "mongodb";
import { masterAddress } from "../pool/master-finder.ts";
import { askKind } from "../pool/redis-kind.ts";
import { parseRedisUrls } from "../pool/redis-url.ts";
import { askedOf, mongoTrouble } from "../record/mongo-trouble.ts";
import { createRedactor } from "../runtime/redactor.ts";
import { redactUrls } from "../runtime/url-secrets.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { until } from "./poll.ts";
import { LocalStackError, type Store, type StoreKind, type StoreOrigin } from "./store.ts";

const READY_DEADLINE_MS = 5_000;
const TRY_DEADLINE_MS = 2_000;
const SENTINEL_PORT = 26379;
const DEFAULT_PORT: Readonly<Record<StoreKind, number>> = { redis: 6379, mongodb: 27017 };

export interface GivenFacts {
  readonly origin: Extract<StoreOrigin, "given" | "joined">;
  readonly pid?: number | undefined;
  readonly dir?: string | undefined;
  readonly logFile?: string | undefined;
  /** How long the store may take to answer (START_DEADLINE_MS). */
  readonly withinMs?: number | undefined;
  /** Whether the store can be expected to answer at all; where not, waiting ends at once. */
  readonly isExpected?: (() => boolean) | undefined;
}

/** A store that another process runs: this process uses it, and never stops or changes it. */
export function givenStore(kind: StoreKind, url: string, facts: GivenFacts = { origin: "given" }): Store {
  const refuse = (): never => {
    throw new Error(`${kind} is not ours (${facts.origin}): it can only be handled where it was started`);
  };
  return {
    kind,
    origin: facts.origin,
    url,
    ...addressIn(kind, url),
    pid: facts.pid,
    owned: false,
    dir: facts.dir,
    logFile: facts.logFile,
    isRunning: true,
    async waitReady(deadlineMs = facts.withinMs ?? READY_DEADLINE_MS) {
      let last: unknown;
      const ready = await until(
        async () => {
          try {
            await (kind === "redis" ? pingRedis(url, deadlineMs) : pingMongodb(url));
            return true;
          } catch (error) {
            last = error;
            // Errors that no wait resolves: a refused password or certificate, a list of single servers, a
            // Sentinel.
            if (error instanceof UserError) throw new LocalStackError(error.message, { cause: error });
            if (facts.isExpected?.() === false) throw new LocalStackError(`${kind} went away with its owner`);
            return false;
          }
        },
        deadlineMs,
        100,
      );
      if (!ready) {
        const words = last instanceof Error ? last.message || last.name : String(last);
        throw new LocalStackError(
          `${kind} at ${redactUrls(url)} does not answer${facts.withinMs === undefined ? "" : ` within START_DEADLINE_MS, ${deadlineMs} ms`}: ${createRedactor({ urls: [url] })(words)}. Check ${kind === "redis" ? "REDIS_URL" : "MONGODB_URL"}.`,
        );
      }
    },
    async stop() {},
    pause: refuse,
    resume: refuse,
    kill: async () => refuse(),
    start: async () => refuse(),
    restart: async () => refuse(),
  };
}

/** The address of the first server, where the URL lists several. */
function addressIn(kind: StoreKind, url: string): { host: string; port: number } {
  const [, path] = /^redis\+unix:\/\/(?:[^@/]*@)?(\/[^?]+)/i.exec(url) ?? [];
  if (path !== undefined) return { host: path, port: 0 };
  const authority = /^[a-z+]+:\/\/(?:[^@/]*@)?([^/?,]+)/i.exec(url)?.[1];
  if (authority === undefined) {
    throw new LocalStackError(`${kind === "redis" ? "REDIS_URL" : "MONGODB_URL"} is not a URL of ${kind}`);
  }
  const [, host = authority, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const usual = /\+sentinel:/i.test(url) ? SENTINEL_PORT : DEFAULT_PORT[kind];
  return { host, port: port === undefined ? usual : Number(port) };
}

/** @throws UserError for an error that no wait resolves */
async function pingRedis(url: string, deadlineMs: number): Promise<void> {
  await askKind(await masterAddress(parseRedisUrls(url)), deadlineMs);
}

/** @throws UserError for an error that no wait resolves, else the driver's own error */
async function pingMongodb(url: string): Promise<void> {
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: TRY_DEADLINE_MS,
    connectTimeoutMS: TRY_DEADLINE_MS,
    socketTimeoutMS: TRY_DEADLINE_MS,
  });
  try {
    await client.db("admin").command({ ping: 1 });
  } catch (error) {
    const trouble = mongoTrouble(error, askedOf(client, "admin"));
    throw trouble.exitCode === EXIT.configuration ? trouble : error;
  } finally {
    await client.close();
  }
}
