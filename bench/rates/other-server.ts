import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { startService } from "../../local/service-process.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted } from "../releases.ts";
import type { BenchmarkContext } from "./benchmark.ts";

const READY_DEADLINE_MS = 30_000;

/** Runs `use` with one more server on the stores of the service, as another worker is, and ends it. */
export async function besideOtherServer<T>(
  { ground, signal }: Pick<BenchmarkContext, "ground" | "signal">,
  use: (other: { readonly baseUrl: string }) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const child = startService({
    entry: join(ground.builtDir, "server", "main.js"),
    baseUrl,
    env: {
      ...ground.stores,
      ...{ MONGODB_DATABASE: ground.mongodb.database, ROLES: "server", LOG_LEVEL: "warn", OPERATOR_TOKEN },
      ...{ PORT: String(port), GRPC_PORT: String(await freePort()) },
    },
  });
  try {
    await orAborted(child.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
    return await use({ baseUrl });
  } finally {
    await child.kill();
  }
}
