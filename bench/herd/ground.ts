import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProduct, removeBuiltProduct } from "../../local/built.ts";
import { freePort } from "../../local/free-port.ts";
import { startService } from "../../local/service-process.ts";
import { startStack } from "../../local/stack.ts";
import { type Clients, connectClients } from "../load/connect-client.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted, type Releases } from "../releases.ts";

/** A service process with one value of HERD_RATE. */
export type HerdSide = { readonly baseUrl: string; readonly clients: Clients };

const READY_MS = 60_000;
const STOP_MS = 12_000;

/** The built service twice, over the same Redis and MongoDB, in a database each. */
export async function layHerdGround(
  rates: Readonly<Record<"off" | "on", string>>,
  releases: Releases,
  signal: AbortSignal,
): Promise<Readonly<Record<"off" | "on", HerdSide>>> {
  releases.add("the built service", removeBuiltProduct);
  const builtDir = await orAborted(builtProduct(), signal);
  const dir = await mkdtemp(join(tmpdir(), "coupon-herd-"));
  releases.add("the data folder", () => rm(dir, { recursive: true, force: true }));
  const starting = startStack({ dataDir: join(dir, "stores"), join: false });
  releases.add("the stores", async () => (await starting.catch(() => undefined))?.stop());
  const stack = await orAborted(starting, signal);

  async function side(name: "off" | "on"): Promise<HerdSide> {
    const port = String(await freePort());
    const baseUrl = `http://127.0.0.1:${port}`;
    const service = startService({
      entry: join(builtDir, "server", "main.js"),
      baseUrl,
      env: {
        ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: `herd-${name}` },
        ...{ PORT: port, GRPC_PORT: "off", OPERATOR_TOKEN, LOG_LEVEL: "warn", HERD_RATE: rates[name] },
      },
    });
    releases.add("a service", () => service.stop(STOP_MS));
    await orAborted(service.waitForHttp("/readyz", READY_MS), signal);
    const clients = connectClients(baseUrl, OPERATOR_TOKEN);
    releases.add("the clients", () => clients.close());
    return { baseUrl, clients };
  }

  return { off: await side("off"), on: await side("on") };
}
