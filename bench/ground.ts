import { appendFileSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProduct, removeBuiltProduct } from "../local/built.ts";
import { freePort } from "../local/free-port.ts";
import { type ServiceProcess, startService } from "../local/service-process.ts";
import { type Stack, startStack } from "../local/stack.ts";
import { orAborted, type Releases } from "./releases.ts";
import { Trouble } from "./trouble.ts";

/**
 * Durable stores in a fresh folder, and service processes over them, as in a launch: of the built product,
 * which production runs.
 */
export type Ground = {
  readonly stack: Stack;
  /** Each does everything: a launch with one scheduler would be amber. */
  readonly servers: readonly ServiceProcess[];
  readonly urls: readonly [string, ...string[]];
  readonly database: string;
  readonly dataDir: string;
};

export type GroundPlan = {
  /** Of the command that it is laid for. */
  readonly name: string;
  readonly servers: number;
  /** Keep the folder. */
  readonly keep: boolean;
};

type Started = { readonly server: ServiceProcess; readonly url: string };

const DATABASE = "coupons";
/** A bound against hanging only: they start at once, and the machine may be busy. */
const READY_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 12_000;

/**
 * Everything is registered for release before it is waited for; once the signal is aborted nobody waits for a
 * drain.
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
    // They are durable, and whoever aborted does not wait for an orderly end.
    if (stack !== undefined && signal.aborted) await Promise.all([stack.redis.kill(), stack.mongodb.kill()]);
    await stack?.stop();
  });
  releases.add("the built product", removeBuiltProduct);
  const [stack, builtDir] = await orAborted(Promise.all([starting, builtProduct()]), signal);
  const entry = join(builtDir, "server", "main.js");

  let isOver = false;
  const running: ServiceProcess[] = [];
  // All at once: each may take its time to drain.
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
