import { existsSync } from "node:fs";
import { join } from "node:path";
import { Trouble } from "../../../../bench/trouble.ts";
import { exchange } from "../../../../local/exchange.ts";
import { programOnPath } from "../../../../local/program.mjs";
import type { Store } from "../../../../local/store.ts";
import { startStoreProcess } from "../../../../local/store-process.ts";
import { faketimeLibrary } from "../../../../setup/faketime.mjs";

/** The pause before a plain connection reconnects to a server that is killed on purpose. */
export const RECONNECT_MS = 50;

/**
 * glibc's own allocator, put before the others: Redis is linked with jemalloc, which reads the clock while it
 * starts; libfaketime allocates while it starts. Each would wait for the other for ever.
 */
const PLAIN_ALLOCATORS = [
  "/usr/lib/x86_64-linux-gnu/libc_malloc_debug.so.0",
  "/usr/lib/aarch64-linux-gnu/libc_malloc_debug.so.0",
];

/**
 * The environment in which a program reads its clock from `file` (`+3600`: an hour ahead). A change takes
 * effect within a second.
 */
export function clockFrom(file: string): Record<string, string> {
  const library = faketimeLibrary();
  if (library === undefined)
    throw new Trouble("libfaketime is not installed: run `npm run chaos`, or `apt-get install faketime`");
  const allocator = PLAIN_ALLOCATORS.find((path) => existsSync(path));
  return {
    LD_PRELOAD: allocator === undefined ? library : `${allocator} ${library}`,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
}

export type RedisNodeOptions = {
  readonly dir: string;
  readonly clockFile?: string | undefined;
};

/** A real redis-server as `local/` starts it; with `clockFile` it reads its clock from that file. */
export function startRedisNode({ dir, clockFile }: RedisNodeOptions): Promise<Store> {
  const program = programOnPath("redis-server");
  if (program === undefined) throw new Trouble("redis-server is not on PATH: run `npm run setup`");
  const lie = Object.entries(clockFile === undefined ? {} : clockFrom(clockFile));
  // env(1) replaces itself with the program, so the process id is that of Redis.
  const command: [string, ...string[]] =
    lie.length === 0
      ? [program]
      : ["/usr/bin/env", ...lie.map(([name, value]) => `${name}=${value}`), program];
  return startStoreProcess(
    {
      kind: "redis",
      origin: "redis-server",
      dir,
      logFile: join(dir, "..", "redis.log"),
      portAdvice: "Another process took it meanwhile; try again.",
      urlAt: (host, port) => `redis://${host}:${port}`,
      commandAt: (host, port) => [
        ...command,
        ...["--bind", host, "--port", String(port), "--protected-mode", "yes", "--daemonize", "no"],
        ...["--dir", dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
        ...["--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0"],
        ...["--auto-aof-rewrite-percentage", "0"],
      ],
      answeringPid,
    },
    0,
  );
}

async function answeringPid(host: string, port: number): Promise<number | undefined> {
  const asked = Buffer.from("PING\r\nINFO server\r\n");
  const enough = (bytes: Buffer) => bytes.includes("tcp_port:") || bytes.includes("-LOADING");
  const text = (await exchange(host, port, asked, enough))?.toString("latin1") ?? "";
  const pid = /process_id:(\d+)/.exec(text)?.[1];
  return text.startsWith("+PONG") && pid !== undefined ? Number(pid) : undefined;
}
