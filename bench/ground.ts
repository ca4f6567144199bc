import { appendFileSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProduct, removeBuiltProduct } from "../local/built.ts";
import { freePort } from "../local/free-port.ts";
import { type ServiceProcess, startService } from "../local/service-process.ts";
import { type Stack, startStack } from "../local/stack.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";
import { orAborted, type Releases } from "./releases.ts";
import { Trouble } from "./trouble.ts";

/**
 * Durable stores in a fresh folder, and service processes over them, as in a launch: of the built product,
 * which production runs.
 */
export type Ground = {
  readonly stack: Stack;
  /** Each process has all roles: with one scheduler, the preflight of a launch would be amber. */
  readonly servers: readonly ServiceProcess[];
  readonly urls: readonly [string, ...string[]];
  readonly database: string;
  readonly dataDir: string;
};

export type GroundPlan = {
  /** The name of the command that uses the ground. */
  readonly name: string;
  readonly servers: number;
  /** Keep the folder. */
  readonly keep: boolean;
};

type Started = { readonly server: ServiceProcess; readonly url: string };

const DATABASE = "coupons";
/** A bound against hanging only: all services start at the same time, and the machine may be busy. */
const READY_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 12_000;

/**
 * Registers each part for release before it waits for it. Once the signal is aborted, processes are killed
 * and not drained.
 */
export async function layGround(
  { name, servers: count, keep }: GroundPlan,
  releases: Releases,
  controller: AbortController,
): Promise<Ground> {
  const { signal } = controller;
  const dataDir = await mkdtemp(join(tmpdir(), `coupon-${name}-`));
  if (!keep) releases.add("the data folder", () => rm(dataDir, { recursive: true, force: true }));
  const logs = join(dataDir, "logs");
  mkdirSync(logs);
  const starting = startStack({ dataDir: join(dataDir, "stores"), join: false });
  releases.add("the stores", async () => {
    const stack = await starting.catch(() => undefined);
    // The stores are durable, and a user that aborts does not want to wait for their orderly end.
    if (stack !== undefined && signal.aborted) await Promise.all([stack.redis.kill(), stack.mongodb.kill()]);
    await stack?.stop();
  });
  releases.add("the built product", removeBuiltProduct);
  const [stack, builtDir] = await orAborted(Promise.all([starting, builtProduct()]), signal);
  const entry = join(builtDir, "server", "main.js");

  let isOver = false;
  const running: ServiceProcess[] = [];
  // All are ended at the same time: each may take long to drain.
  releases.add("the services", async () => {
    isOver = true;
    const end = (service: ServiceProcess) =>
      signal.aborted ? service.kill() : service.stop(STOP_DEADLINE_MS);
    await Promise.all(running.map(end));
  });
  const start = async (number: number): Promise<Started> => {
    const port = String(await freePort());
    const baseUrl = `http://127.0.0.1:${port}`;
    const service = startService({
      ...{ entry, baseUrl },
      env: {
        REDIS_URL: stack.redis.url,
        MONGODB_URL: stack.mongodb.url,
        MONGODB_DATABASE: DATABASE,
        PORT: port,
        GRPC_PORT: String(await freePort()),
        OPERATOR_TOKEN,
      },
      onLine: (line) => appendFileSync(join(logs, `service-${number}.log`), `${line}\n`),
    });
    running.push(service);
    void service.exited.then(({ code, signal: by }) => {
      if (!isOver) controller.abort(new Trouble(`service ${number} ended meanwhile (${by ?? code})`));
    });
    await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
    return { server: service, url: baseUrl };
  };
  const first = start(1);
  const others = Array.from({ length: count - 1 }, (_, i) => start(i + 2));
  const started = await Promise.all([first, ...others]);
  const [{ url }, ...rest] = started as [Started, ...Started[]];
  return {
    ...{ stack, database: DATABASE, dataDir },
    servers: started.map(({ server }) => server),
    urls: [url, ...rest.map(({ url: another }) => another)],
  };
}
