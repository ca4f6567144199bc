import { appendFileSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { orAborted, type Releases } from "../releases.ts";
import { Trouble } from "../trouble.ts";

/** Durable stores in a fresh folder, and two service processes over them, as in a launch. */
export type Ground = {
  readonly stack: Stack;
  /** Both do everything: a launch with one scheduler would be amber. */
  readonly servers: readonly [ServiceProcess, ServiceProcess];
  readonly urls: readonly [string, string];
  readonly database: string;
  readonly dataDir: string;
};

const DATABASE = "coupons";
const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 12_000;

export async function layGround(
  keep: boolean,
  releases: Releases,
  controller: AbortController,
): Promise<Ground> {
  const { signal } = controller;
  const dataDir = await mkdtemp(join(tmpdir(), "coupon-scenario-"));
  if (!keep) releases.add("the data folder", () => rm(dataDir, { recursive: true, force: true }));
  const logs = join(dataDir, "logs");
  mkdirSync(logs);
  const starting = startStack({ dataDir: join(dataDir, "stores"), join: false });
  releases.add("the stores", async () => (await starting.catch(() => undefined))?.stop());
  const stack = await orAborted(starting, signal);

  let isOver = false;
  const start = async (number: number): Promise<[ServiceProcess, string]> => {
    const port = String(await freePort());
    const baseUrl = `http://127.0.0.1:${port}`;
    const service = startService({
      baseUrl,
      env: {
        REDIS_URL: stack.redis.url,
        MONGODB_URL: stack.mongodb.url,
        MONGODB_DATABASE: DATABASE,
        PORT: port,
        GRPC_PORT: String(await freePort()),
      },
      onLine: (line) => appendFileSync(join(logs, `service-${number}.log`), `${line}\n`),
    });
    releases.add(`service ${number}`, () => {
      isOver = true;
      return service.stop(STOP_DEADLINE_MS);
    });
    void service.exited.then(({ code, signal: by }) => {
      if (!isOver) controller.abort(new Trouble(`service ${number} ended meanwhile (${by ?? code})`));
    });
    await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
    return [service, baseUrl];
  };
  const [one, oneUrl] = await start(1);
  const [two, twoUrl] = await start(2);
  return { stack, servers: [one, two], urls: [oneUrl, twoUrl], database: DATABASE, dataDir };
}
