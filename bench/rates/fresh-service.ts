import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { startService } from "../../local/service-process.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted } from "../releases.ts";
import type { Ground } from "./ground.ts";

const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 12_000;

/** Another server process on the ground's stores, which has served nothing yet. Has no other role. */
export async function freshService(
  { builtDir, stores, mongodb }: Pick<Ground, "builtDir" | "stores" | "mongodb">,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
) {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const service = startService({
    entry: join(builtDir, "server", "main.js"),
    baseUrl,
    args: ["--roles", "server"],
    env: {
      ...{ ...stores, MONGODB_DATABASE: mongodb.database, PORT: String(port), GRPC_PORT: "off" },
      ...{ OPERATOR_TOKEN, LOG_LEVEL: "info", ...env },
    },
  });
  try {
    await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
  } catch (error) {
    await service.kill();
    throw error;
  }
  return { baseUrl, pid: service.pid, lines: service.lines, stop: () => service.stop(STOP_DEADLINE_MS) };
}
