import { join } from "node:path";
import { emptyPrivateFile } from "../runtime/private-file.ts";
import { exchange } from "./exchange.ts";
import { makeFolder } from "./make-folder.mjs";
import { programOnPath } from "./program.mjs";
import { LocalStackError, type Store } from "./store.ts";
import { type StorePlace, startStoreProcess } from "./store-process.ts";
import { unusableFolder } from "./unusable-folder.ts";

export interface RedisOptions {
  readonly dir: string;
  /** 0 or absent: any free port. */
  readonly port?: number | undefined;
  /** More redis-server arguments; they come last, so they override the others. */
  readonly args?: readonly string[] | undefined;
  readonly logFile?: string | undefined;
  readonly place?: StorePlace | undefined;
  /** In hex; absent: every user of this machine may use it. */
  readonly password?: string | undefined;
  /** The primary, where this Redis is a replica. */
  readonly replicaOf?: { readonly host: string; readonly port: number } | undefined;
}

const NO_REDIS =
  "No Redis found: redis-server is not on PATH. Run `npm run setup`, or install Redis yourself, or set " +
  "REDIS_URL (docker-compose.yml has one).";

export async function startRedis(options: RedisOptions): Promise<Store> {
  const program = programOnPath("redis-server");
  if (program === undefined) throw new LocalStackError(NO_REDIS);
  const { dir, port = 0, args = [], password, replicaOf } = options;
  const config = password === undefined ? [] : [await writeConfig(dir, password)];
  const replica = replicaOf === undefined ? [] : ["--replicaof", replicaOf.host, String(replicaOf.port)];
  return startStoreProcess(
    {
      kind: "redis",
      origin: "redis-server",
      dir,
      logFile: options.logFile ?? join(dir, "redis.log"),
      place: options.place,
      portAdvice: "Stop what uses it, choose another port, or set REDIS_URL to use a Redis that runs.",
      urlAt: (host, chosen) => `redis://${password === undefined ? "" : `:${password}@`}${host}:${chosen}`,
      commandAt: (host, chosen) => [
        program,
        ...config,
        ...["--bind", host, "--port", String(chosen), "--protected-mode", "yes", "--daemonize", "no"],
        ...["--dir", dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
        ...["--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0"],
        ...replica,
        ...args,
      ],
      answeringPid: (host, chosen) => answeringPid(host, chosen, password),
    },
    port,
  );
}

/** The password in a file that only its owner can read: every user can read a command line. */
async function writeConfig(dir: string, password: string): Promise<string> {
  const file = join(dir, "password.conf");
  try {
    makeFolder(dir, 0o700);
    const handle = await emptyPrivateFile(file);
    await handle.writeFile(`requirepass ${password}\n`).finally(() => handle.close());
  } catch (error) {
    throw unusableFolder("the folder of redis", dir, error);
  }
  return file;
}

/** undefined until the data is loaded: until then Redis answers PING with LOADING. */
async function answeringPid(
  host: string,
  port: number,
  password: string | undefined,
): Promise<number | undefined> {
  const reply = await exchange(
    host,
    port,
    Buffer.from(`${password === undefined ? "" : `AUTH ${password}\r\n`}PING\r\nINFO server\r\n`),
    (bytes) => bytes.includes("tcp_port:") || bytes.includes("-LOADING"),
  );
  const text = (reply?.toString("latin1") ?? "").replace(/^\+OK\r\n/, "");
  const pid = /process_id:(\d+)/.exec(text)?.[1];
  return text.startsWith("+PONG") && pid !== undefined ? Number(pid) : undefined;
}
