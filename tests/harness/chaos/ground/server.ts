import { freePort } from "../../../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../../../local/service-process.ts";
import { mongodbProtocol } from "../../../support/wire/op-msg.ts";
import { type Address, type StoreProxy, startProxy } from "../../../support/wire/proxy.ts";
import { redisProtocol } from "../../../support/wire/resp.ts";
import type { Product } from "./product.ts";

/** One process of the product, with a proxy of its own to each store; a restart keeps its port. */
export type Server = {
  readonly name: string;
  readonly url: string;
  readonly takesClaims: boolean;
  readonly redis: StoreProxy;
  readonly mongodb: StoreProxy;
  readonly isRunning: boolean;
  readonly pid: number;
  /** Starts or restarts the process; resolves when it is ready. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Sends SIGTERM; resolves to the exit code. */
  stop(): Promise<number>;
  close(): Promise<void>;
};

export type ServerOptions = {
  readonly name: string;
  readonly product: Product;
  readonly redis: Address;
  readonly mongodb: Address;
  readonly env: Readonly<Record<string, string>>;
  readonly roles: string;
  readonly onLine: (line: string) => void;
};

const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 60_000;

export async function prepareServer(options: ServerOptions): Promise<Server> {
  const { name, product, env, roles, onLine } = options;
  const [redis, mongodb, port, grpcPort] = await Promise.all([
    startProxy(redisProtocol(product.scripts), options.redis),
    startProxy(mongodbProtocol, options.mongodb),
    freePort(),
    freePort(),
  ]);
  const url = `http://127.0.0.1:${port}`;
  let running: ServiceProcess | undefined;

  return {
    name,
    url,
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
          REDIS_URL: `redis://${redis.address.host}:${redis.address.port}`,
          MONGODB_URL: `mongodb://${mongodb.address.host}:${mongodb.address.port}/?directConnection=true`,
          PORT: String(port),
          GRPC_PORT: String(grpcPort),
          LOG_LEVEL: "trace",
          ...env,
        },
        onLine: (line) => onLine(`${name} ${line}`),
      });
      running = started;
      await started.waitForLine((line) => line.includes('"msg":"ready'), READY_DEADLINE_MS);
    },
    kill: async () => running?.kill(),
    stop: async () => (running === undefined ? 0 : running.stop(STOP_DEADLINE_MS)),
    async close() {
      await running?.kill();
      await Promise.all([redis.close(), mongodb.close()]);
    },
  };
}
