import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProduct, removeBuiltProduct } from "../../local/built.ts";
import { freePort } from "../../local/free-port.ts";
import { startService } from "../../local/service-process.ts";
import { startStack } from "../../local/stack.ts";
import { makeSigningKey } from "../../proof/signing-key.ts";
import { type Clients, connectClients } from "../load/connect-client.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted, type Releases } from "../releases.ts";

/**
 * The ground of the benchmarks: durable stores of their own, the built service in one process, and the
 * yardstick.
 */
export type Ground = {
  /** The folder of the built service. */
  readonly builtDir: string;
  readonly service: { readonly baseUrl: string; readonly pid: number };
  readonly bare: { readonly baseUrl: string };
  readonly mongodb: { readonly url: string; readonly database: string };
  readonly clients: Clients;
  readonly pids: Readonly<Record<"service" | "redis" | "mongodb", number>>;
  /** The environment with which another process uses the same stores as the service. */
  readonly stores: Readonly<Record<"REDIS_URL" | "MONGODB_URL", string>>;
};

const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 12_000;
const DATABASE = "coupons";
const TICKS_A_SECOND = 100;

export async function layGround(releases: Releases, signal: AbortSignal): Promise<Ground> {
  releases.add("the built service", removeBuiltProduct);
  const builtDir = await orAborted(builtProduct(), signal);

  const dataDir = await mkdtemp(join(tmpdir(), "coupon-bench-"));
  releases.add("the data folder", () => rm(dataDir, { recursive: true, force: true }));
  const starting = startStack({ dataDir: join(dataDir, "stores"), join: false });
  releases.add("the stores", async () => (await starting.catch(() => undefined))?.stop());
  const stack = await orAborted(starting, signal);

  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const service = startService({
    entry: join(builtDir, "server", "main.js"),
    baseUrl,
    env: {
      REDIS_URL: stack.redis.url,
      MONGODB_URL: stack.mongodb.url,
      MONGODB_DATABASE: DATABASE,
      PORT: String(port),
      GRPC_PORT: String(await freePort()),
      OPERATOR_TOKEN,
      CERTIFICATE_KEY: makeSigningKey().pem,
      LOG_LEVEL: "warn",
    },
  });
  releases.add("the service", () => service.stop(STOP_DEADLINE_MS));
  const bare = startService({ entry: "bench/rates/bare.ts", env: {} });
  releases.add("the yardstick", () => bare.kill());
  await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
  const ready = await orAborted(
    bare.waitForLine((line) => line.startsWith("ready "), READY_DEADLINE_MS),
    signal,
  );
  const clients = connectClients(baseUrl, OPERATOR_TOKEN);
  releases.add("the clients", () => clients.close());
  return {
    builtDir,
    service: { baseUrl, pid: service.pid },
    bare: { baseUrl: `http://127.0.0.1:${ready.slice("ready ".length)}` },
    mongodb: { url: stack.mongodb.url, database: DATABASE },
    clients,
    pids: { service: service.pid, redis: stack.redis.pid ?? 0, mongodb: stack.mongodb.pid ?? 0 },
    stores: { REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url },
  };
}

/**
 * Seconds of processor time that a process has used, user and system. Source: proc(5), fields 14 and 15, in
 * ticks of 10 ms.
 */
export function cpuSeconds(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** The same of this process's children that have ended, such as wrk. Source: proc(5), fields 16 and 17. */
export function cpuSecondsOfEnded(): number {
  const fields = statOf("self");
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND;
}

/** The fields from field 3 on: the second one, the name, may hold spaces. */
function statOf(pid: number | "self"): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/**
 * The most memory that a process has held so far, or since `forgetPeakMemory`, in MB. Source: proc(5), VmHWM.
 */
export function peakMemoryMb(pid: number): number {
  const kb = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) / 1_024;
}

/** Resets the peak to the memory that the process holds now. Source: proc(5), clear_refs. */
export function forgetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
