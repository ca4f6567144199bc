import { freePort } from "../../../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../../../local/service-process.ts";
import { mongodbProtocol } from "../../../support/wire/op-msg.ts";
import { type Address, type StoreProxy, startProxy } from "../../../support/wire/proxy.ts";
import { redisProtocol } from "../../../support/wire/resp.ts";
import type { Product } from "./product.ts";
import type { RedisGround } from "./redis-form.ts";

/** One process of the product, with a proxy of its own to each store; a restart keeps its port. */
export type Server = {
  readonly name: string;
  readonly url: string;
  /** The base URL of its health pages: `url`, unless they have a port of their own. */
  readonly pagesUrl: string;
  readonly takesClaims: boolean;
  readonly redis: StoreProxy;
  readonly mongodb: StoreProxy;
  readonly isRunning: boolean;
  readonly pid: number;
  /** Starts or restarts the process; resolves when it is ready. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** SIGSTOP: it stays, its ports stay open, and it answers nobody. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Sends SIGTERM; resolves to the exit code. */
  stop(): Promise<number>;
  close(): Promise<void>;
};

export type ServerOptions = {
  readonly name: string;
  readonly product: Product;
  readonly redis: RedisGround;
  readonly mongodb: Address;
  readonly env: Readonly<Record<string, string>>;
  readonly roles: string;
  /** Its health pages have a port of their own, as Prometheus needs for a process without the server role. */
  readonly hasOwnPages?: boolean | undefined;
  readonly onLine: (line: string) => void;
};

const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 60_000;

export async function prepareServer(options: ServerOptions): Promise<Server> {
  const { name, product, env, roles, onLine, hasOwnPages = false } = options;
  const [redis, mongodb, port, grpcPort, pagesPort] = await Promise.all([
    startProxy(redisProtocol(product.scripts), options.redis.addresses[0]),
    startProxy(mongodbProtocol, options.mongodb),
    freePort(),
    freePort(),
    hasOwnPages ? freePort() : undefined,
  ]);
  const redisUrl = options.redis.urlThrough(await Promise.all(options.redis.addresses.map(redis.doorTo)));
  const url = `http://127.0.0.1:${port}`;
  let running: ServiceProcess | undefined;

  return {
    name,
    url,
    pagesUrl: pagesPort === undefined ? url : `http://127.0.0.1:${pagesPort}`,
    takesClaims: roles.includes("server"),
    redis,
    mongodb,
    get isRunning() {
      return running?.isRunning === true;
    },
    get pid() {
      return running?.pid ?? 0;
    },
    async start() {
      const started = startService({
        entry: product.serverEntry,
        args: ["--roles", roles],
        baseUrl: url,
        env: {
          REDIS_URL: redisUrl,
          MONGODB_URL: `mongodb://${mongodb.address.host}:${mongodb.address.port}/?directConnection=true`,
          PORT: String(port),
          GRPC_PORT: String(grpcPort),
          LOG_LEVEL: "trace",
          ...(pagesPort === undefined ? {} : { HEALTH_PORT: String(pagesPort) }),
          ...env,
        },
        onLine: (line) => onLine(`${name} ${line}`),
      });
      running = started;
      await started.waitForLine((line) => line.includes('"msg":"ready'), READY_DEADLINE_MS);
    },
    kill: async () => running?.kill(),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
    stop: async () => (running === undefined ? 0 : running.stop(STOP_DEADLINE_MS)),
    async close() {
      await running?.kill();
      await Promise.all([redis.close(), mongodb.close()]);
    },
  };
}
