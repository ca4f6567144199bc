import { join } from "node:path";
import { freePort } from "../../../local/free-port.ts";
import { startService } from "../../../local/service-process.ts";
import { OPERATOR_TOKEN } from "../../operator-token.ts";
import { orAborted } from "../../releases.ts";
import type { Ground } from "../ground.ts";
import { openSlowLine } from "./slow-line.ts";

/** Redis is so much further away, and a call carries so few claims: about 300 of them a second. */
const REDIS_DELAY_MS = 24;
const CLAIM_BATCH_MAX = 4;
const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 12_000;

export type SlowService = { readonly ground: Ground; stop(): Promise<void> };

/**
 * A server beside the one of the ground, on the same stores, whose capacity is small while its processor is
 * free: so a crowd on the same machine can bring many times that.
 */
export async function startSlowService(ground: Ground, signal: AbortSignal): Promise<SlowService> {
  const redis = new URL(ground.stores.REDIS_URL);
  const line = await openSlowLine({ host: redis.hostname, port: Number(redis.port) }, REDIS_DELAY_MS);
  redis.host = `127.0.0.1:${line.port}`;
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const service = startService({
    entry: join(ground.builtDir, "server", "main.js"),
    baseUrl,
    args: ["--roles", "server"],
    env: {
      ...{ ...ground.stores, REDIS_URL: redis.href, PORT: String(port), GRPC_PORT: "off", OPERATOR_TOKEN },
      ...{ LOG_LEVEL: "warn", CLAIM_BATCH_MAX: String(CLAIM_BATCH_MAX) },
    },
  });
  const stop = async () => {
    await service.stop(STOP_DEADLINE_MS);
    await line.close();
  };
  try {
    await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
  } catch (error) {
    await stop();
    throw error;
  }
  const pids = { ...ground.pids, service: service.pid };
  return { ground: { ...ground, service: { baseUrl, pid: service.pid }, pids }, stop };
}
