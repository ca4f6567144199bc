import { join } from "node:path";
import { exchange } from "./exchange.ts";
import { programOnPath } from "./program.mjs";
import { LocalStackError, type Store } from "./store.ts";
import { startStoreProcess } from "./store-process.ts";

export interface RedisOptions {
  readonly dir: string;
  /** 0 or absent: any free port. */
  readonly port?: number | undefined;
  /** More redis-server arguments; they come last, so they override the others. */
  readonly args?: readonly string[] | undefined;
  readonly logFile?: string | undefined;
  /** The primary, where this Redis is a replica. */
  readonly replicaOf?: { readonly host: string; readonly port: number } | undefined;
}

const NO_REDIS =
  "No Redis found: redis-server is not on PATH. Run `npm run setup`, or install Redis yourself, or set " +
  "REDIS_URL (docker-compose.yml has one).";

export function startRedis(options: RedisOptions): Promise<Store> {
  const program = programOnPath("redis-server");
  if (program === undefined) return Promise.reject(new LocalStackError(NO_REDIS));
  const { dir, port = 0, args = [], replicaOf } = options;
  const replica = replicaOf === undefined ? [] : ["--replicaof", replicaOf.host, String(replicaOf.port)];
  return startStoreProcess(
    {
      kind: "redis",
      origin: "redis-server",
      dir,
      logFile: options.logFile ?? join(dir, "redis.log"),
      portAdvice: "Stop what uses it, choose another port, or set REDIS_URL to use a Redis that runs.",
      urlAt: (host, chosen) => `redis://${host}:${chosen}`,
      commandAt: (host, chosen) => [
        program,
        ...["--bind", host, "--port", String(chosen), "--protected-mode", "yes", "--daemonize", "no"],
        ...["--dir", dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
        ...["--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0"],
        ...replica,
        ...args,
      ],
      answeringPid,
    },
    port,
  );
}

/** undefined until the data is loaded: until then Redis answers PING with LOADING. */
async function answeringPid(host: string, port: number): Promise<number | undefined> {
  const reply = await exchange(
    host,
    port,
    Buffer.from("PING\r\nINFO server\r\n"),
    (bytes) => bytes.includes("tcp_port:") || bytes.includes("-LOADING"),
  );
  const text = reply?.toString("latin1") ?? "";
  const pid = /process_id:(\d+)/.exec(text)?.[1];
  return text.startsWith("+PONG") && pid !== undefined ? Number(pid) : undefined;
}
