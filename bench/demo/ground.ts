import { appendFileSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { haveWebPages } from "../../local/web-pages.ts";
import { makeSigningKey } from "../../proof/signing-key.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import type { Releases } from "../releases.ts";
import { orAborted } from "../releases.ts";
import { Trouble } from "../trouble.ts";

/** The demo's ground: its own stores in a fresh folder, and the whole service as one child process. */
export type Ground = {
  readonly stack: Stack;
  readonly service: ServiceProcess;
  readonly baseUrl: string;
  readonly database: string;
  readonly dataDir: string;
  /** By which the service signs, and which an operator publishes. */
  readonly publicKey: string;
};

type GroundOptions = { readonly port: number; readonly keep: boolean };

const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 12_000;

/**
 * Registers each part for release before it waits for it, so that an interrupted start leaves nothing,
 * either.
 */
export async function layGround(
  { port, keep }: GroundOptions,
  releases: Releases,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Ground> {
  // The service serves the console from there.
  await haveWebPages(say);
  const dataDir = await mkdtemp(join(tmpdir(), "coupon-demo-"));
  if (!keep) releases.add("the data folder", () => rm(dataDir, { recursive: true, force: true }));

  const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl } = process.env;
  const starting = startStack({
    dataDir: join(dataDir, "stores"),
    redisUrl: redisUrl || undefined,
    mongodbUrl: mongodbUrl || undefined,
    join: false,
  });
  releases.add("the stores", async () => (await starting.catch(() => undefined))?.stop());
  const stack = await orAborted(starting, signal);

  // In a MongoDB that was given, the demo uses a database of its own.
  const database = stack.mongodb.origin === "given" ? "coupons_demo" : "coupons";
  const httpPort = port === 0 ? await freePort() : port;
  const baseUrl = `http://127.0.0.1:${httpPort}`;
  const signing = makeSigningKey();
  const logFile = join(dataDir, "logs", "service.log");
  mkdirSync(join(dataDir, "logs"), { recursive: true });
  const service = startService({
    baseUrl,
    env: {
      REDIS_URL: stack.redis.url,
      MONGODB_URL: stack.mongodb.url,
      MONGODB_DATABASE: database,
      HOST: "127.0.0.1",
      PORT: String(httpPort),
      GRPC_PORT: String(await freePort()),
      OPERATOR_TOKEN,
      CERTIFICATE_KEY: signing.pem,
    },
    onLine: (line) => appendFileSync(logFile, `${line}\n`),
  });
  releases.add("the service", () => service.stop(STOP_DEADLINE_MS));
  try {
    await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
  } catch (error) {
    if (signal.aborted || service.isRunning) throw error;
    throw new Trouble(`the service did not start: ${lastWords(service)}`, { cause: error });
  }
  return { stack, service, baseUrl, database, dataDir, publicKey: signing.publicKey };
}

/** How a service ended: its last message for users, else its signal or exit code. */
export function lastWords(
  service: ServiceProcess,
  exit?: { code: number | null; signal: string | null },
): string {
  const told = service.lines.findLast((line) => line.startsWith("coupon: "));
  if (told !== undefined) return told.replace(/^coupon: /, "");
  return exit === undefined ? "it said nothing" : `by ${exit.signal ?? `itself, exit code ${exit.code}`}`;
}
