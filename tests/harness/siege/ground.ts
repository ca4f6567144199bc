import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import { createReleases } from "../../../bench/releases.ts";
import { builtProduct } from "../../../local/built.ts";
import { freePort } from "../../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../../local/service-process.ts";
import { operatorKeyLine } from "../../../runtime/operator-settings.ts";
import { AUDIENCE } from "../../support/claim-credentials.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { HANG_MS } from "../../support/patience.ts";
import { startStackAlone } from "../../support/stack-alone.ts";

/** A service of its own with CLAIM_AUTH=token, and all that its shop and its operator know. */
export type SiegeGround = {
  readonly service: ServiceProcess;
  readonly url: string;
  readonly grpcPort: number;
  readonly clients: Clients;
  readonly operatorKey: string;
  readonly secret: string;
  readonly publicKey: string;
  readonly keyId: string;
  readonly db: Db;
  /** The folder for callers' records. */
  readonly dir: string;
  close(): Promise<void>;
};

export type GroundOptions = {
  /** `open`: a service that admits everybody, which the siege must find out. */
  readonly claimAuth?: "token" | "open";
  readonly workers?: number;
};

const DATABASE = "siege";
/** A process that keeps what strangers send comes to its end here. */
const HEAP_MB = 256;

export async function openSiegeGround({
  claimAuth = "token",
  workers = 1,
}: GroundOptions = {}): Promise<SiegeGround> {
  const releases = createReleases();
  const close = async () => {
    const troubles = await releases.all();
    if (troubles.length > 0) throw new Error(troubles.join("\n"));
  };
  try {
    const dir = await mkdtemp(join(tmpdir(), "coupon-siege-"));
    releases.add("the folder", () => rm(dir, { recursive: true, force: true }));
    const { stack, end } = await startStackAlone();
    releases.add("the stores", end);
    const mongo = new MongoClient(stack.mongodb.url);
    releases.add("the connection to MongoDB", () => mongo.close(true));

    const secret = randomBytes(32).toString("hex");
    const operatorKey = randomBytes(32).toString("base64url");
    const pair = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const keyId = "shop-1";
    const jwks = join(dir, "jwks.json");
    const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: keyId, use: "sig", alg: "RS256" };
    await writeFile(jwks, JSON.stringify({ keys: [jwk] }));

    const [port, grpcPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const service = startService({
      entry: join(await builtProduct(), "server", "main.js"),
      baseUrl: url,
      env: {
        ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: DATABASE },
        ...{ PORT: String(port), GRPC_PORT: String(grpcPort), LOG_LEVEL: "warn" },
        OPERATOR_KEYS: operatorKeyLine("siege", "admin", operatorKey),
        ...{ CLAIM_AUTH: claimAuth, CLAIM_TOKEN_AUDIENCE: AUDIENCE },
        ...{ CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_JWKS: jwks, LIMIT_ADDRESS: "2000/10" },
        WORKERS: String(workers),
        NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
      },
    });
    releases.add("the service", () => service.stop());
    await service.waitForHttp("/readyz", HANG_MS);
    return {
      ...{ service, url, grpcPort, operatorKey, secret, keyId, dir, close },
      clients: connectClients(url, { token: operatorKey }),
      publicKey: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
      db: mongo.db(DATABASE),
    };
  } catch (error) {
    await releases.all();
    throw error;
  }
}

/** The processes of the service: its primary, where there is one, and all that serve. */
export function processesOf({ service: { pid } }: SiegeGround): readonly number[] {
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [pid, ...workers.split(" ").filter(Boolean).map(Number)];
}

/** A prefix that no other sale has. */
export const salePrefix = (): string => `siege~${randomUUID().slice(0, 8)}`;
