import { type ServiceProcess, startService } from "../../../local/service-process.ts";
import { HANG_MS } from "../../support/patience.ts";
import type { HostName, Network } from "./network.ts";

/** Hosts with a server; the first two have a scheduler, too. */
export const SERVER_HOSTS = ["server-1", "server-2", "server-3"] as const;
export type ServerHost = (typeof SERVER_HOSTS)[number];
const SCHEDULERS: readonly HostName[] = ["server-1", "server-2"];

const HEALTH_PORT = 8_090;
const SCHEDULER_HEALTH_PORT = 8_091;
const DELAYED_PORTS = { redis: 16_379, mongodb: 37_017 };
export const STORE_PORTS = { redis: 6_379, mongodb: 27_017 };

/** How the processes of a host differ from the ordinary ones. */
export type Arrangement = {
  /** Between the host and both stores, in each direction. */
  readonly delayMs: number;
  /** Added to the environment: a wrong clock. */
  readonly env: Readonly<Record<string, string>>;
};

/** One host of the service, with its processes. */
export type ServerProcesses = {
  readonly host: ServerHost;
  readonly arrangement: Arrangement;
  readonly pages: string;
  readonly lines: readonly string[];
  /** Ends all processes and starts them anew, so arranged. */
  arrange(arrangement: Arrangement): Promise<void>;
  /** SIGTERM, and when it has ended, a new process; resolves when it is ready. */
  restartServer(): Promise<{ readonly exitCode: number }>;
  /** undefined: there is none on this host. */
  readonly restartScheduler: (() => Promise<{ readonly exitCode: number }>) | undefined;
  close(): Promise<void>;
};

export async function startServerHost(
  network: Network,
  host: ServerHost,
  entry: string,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcesses> {
  const through = network.through(host);
  const address = network.addressOf(host);
  const pages = `http://${address}:${HEALTH_PORT}`;
  const hasScheduler = SCHEDULERS.includes(host);
  let arrangement: Arrangement = { delayMs: 0, env: {} };
  let delay: ServiceProcess | undefined;
  let server: ServiceProcess | undefined;
  let scheduler: ServiceProcess | undefined;

  const urls = () => {
    const isFar = arrangement.delayMs > 0;
    const at = (store: "redis" | "mongodb") =>
      isFar ? `127.0.0.1:${DELAYED_PORTS[store]}` : `${network.addressOf(store)}:${STORE_PORTS[store]}`;
    return {
      REDIS_URL: `redis://${at("redis")}`,
      MONGODB_URL: `mongodb://${at("mongodb")}/?directConnection=true`,
    };
  };
  const startDelay = async () => {
    if (arrangement.delayMs === 0) return;
    const ways = (["redis", "mongodb"] as const).map(
      (store) => `${DELAYED_PORTS[store]}=${network.addressOf(store)}:${STORE_PORTS[store]}`,
    );
    delay = startService({
      entry: "tests/harness/hosts/delay-process.ts",
      ...{ through, args: [String(arrangement.delayMs), ...ways], env: {} },
    });
    await delay.waitForLine((line) => line === "delaying", HANG_MS);
  };
  const start = async (roles: string, ports: Readonly<Record<string, string>>) => {
    const started = startService({
      ...{ entry, through, args: ["--roles", roles] },
      env: { ...urls(), ...env, HOST: address, HEALTH_HOST: address, ...ports, ...arrangement.env },
    });
    await started.waitForLine((line) => line.includes('"msg":"ready'), HANG_MS);
    return started;
  };
  const startServer = async () => {
    const ports = { PORT: "8080", GRPC_PORT: "9080", OPERATORS_PORT: "8081" };
    server = await start("server,generator", { ...ports, HEALTH_PORT: String(HEALTH_PORT) });
  };
  const startScheduler = async () => {
    scheduler = await start("scheduler", { HEALTH_PORT: String(SCHEDULER_HEALTH_PORT) });
  };
  const startAll = async () => {
    await startDelay();
    await Promise.all([startServer(), ...(hasScheduler ? [startScheduler()] : [])]);
  };
  const close = async () => {
    await Promise.all([server?.kill(), scheduler?.kill()]);
    await delay?.kill();
    delay = undefined;
  };
  await startAll();
  return {
    ...{ host, pages, close },
    get arrangement() {
      return arrangement;
    },
    get lines() {
      return [...(server?.lines ?? []), ...(scheduler?.lines ?? [])];
    },
    async arrange(wanted) {
      await close();
      arrangement = wanted;
      await startAll();
    },
    async restartServer() {
      const exitCode = (await server?.stop(HANG_MS)) ?? 0;
      await startServer();
      return { exitCode };
    },
    restartScheduler: hasScheduler
      ? async () => {
          const exitCode = (await scheduler?.stop(HANG_MS)) ?? 0;
          await startScheduler();
          return { exitCode };
        }
      : undefined,
  };
}
