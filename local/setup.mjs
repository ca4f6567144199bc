/**
 * Brings what this machine lacks to run, test and develop the service: node modules, redis-server and a libc
 * that the embedded MongoDB engine accepts. Does nothing, quickly, when nothing is lacking.
 *
 *   node local/setup.mjs [--quiet] [--modules-only] [--artillery] [--chaos] [--bench] [--proxy]
 *
 * --quiet         no word when nothing is to do
 * --modules-only  only node modules (enough for the checks)
 * --artillery     also the load generator's own node modules
 * --chaos         also libfaketime, which tests and fault rounds with wrong clocks need
 * --bench         also wrk, the load generator of the benchmarks
 * --proxy         also nginx, which the test of a rolling restart needs
 *
 * Plain JavaScript without dependencies: it runs before there are any. Says things on stderr only.
 */
import { accessSync, constants, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createOwned, isAlive, ownRecord, putAside, readOwned, releaseOwned } from "./owned-file.mjs";
import { endCommandsOnSignals } from "./setup-command.mjs";
import { SetupError } from "./setup-error.mjs";
import { installFaketime, isFaketimeHere } from "./setup-faketime.mjs";
import { isMongodbHere, unpackLibc } from "./setup-libc.mjs";
import { areModulesInstalled, installModules } from "./setup-modules.mjs";
import { installNginx, isNginxHere } from "./setup-nginx.mjs";
import { installRedis, isRedisHere } from "./setup-redis.mjs";
import { installWrk, isWrkHere } from "./setup-wrk.mjs";

/** @typedef {{ words: string, isDone: () => boolean, run: () => Promise<void> }} Step */

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const LOCK = join(REPOSITORY, ".local", "setup.lock");
const LOCK_POLL_MS = 200;
const LOCK_DEADLINE_MS = 20 * 60_000;

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function main() {
  const { quiet, ...wanted } = readArguments();
  const steps = stepsFor(wanted);
  if (steps.every((step) => step.isDone())) {
    if (!quiet) say("everything is here");
    return;
  }
  endCommandsOnSignals();
  await takeLock();
  try {
    for (const step of steps) {
      if (step.isDone()) continue;
      say(`${step.words} …`);
      await step.run();
    }
  } finally {
    releaseOwned(LOCK);
  }
  say("done");
}

/**
 * @param {{ modulesOnly: boolean, artillery: boolean, chaos: boolean, bench: boolean, proxy: boolean }} wanted
 * @returns {Step[]}
 */
function stepsFor({ modulesOnly, artillery, chaos, bench, proxy }) {
  /** @type {(words: string, folder: string) => Step} */
  const modules = (words, folder) => ({
    words,
    isDone: () => areModulesInstalled(folder),
    run: () => installModules(folder),
  });
  return [
    modules("installing node modules", REPOSITORY),
    ...(artillery
      ? [modules("installing the load generator (large, once)", join(REPOSITORY, "artillery"))]
      : []),
    ...(modulesOnly
      ? []
      : [
          { words: "installing redis-server", isDone: isRedisHere, run: installRedis },
          {
            words: "fetching a newer libc for the embedded MongoDB engine",
            isDone: isMongodbHere,
            run: () => unpackLibc(REPOSITORY),
          },
        ]),
    ...(chaos ? [{ words: "installing libfaketime", isDone: isFaketimeHere, run: installFaketime }] : []),
    ...(bench ? [{ words: "installing wrk", isDone: isWrkHere, run: installWrk }] : []),
    ...(proxy ? [{ words: "installing nginx", isDone: isNginxHere, run: installNginx }] : []),
  ];
}

/** Two setups at once would pull the modules from under each other: the second waits, then finds it all done. */
async function takeLock() {
  try {
    mkdirSync(dirname(LOCK), { recursive: true });
    accessSync(dirname(LOCK), constants.W_OK);
  } catch {
    throw new SetupError(`cannot write to ${dirname(LOCK)}. Run this as the owner of the repository.`);
  }
  const deadline = Date.now() + LOCK_DEADLINE_MS;
  let told = false;
  while (!createOwned(LOCK, { owner: ownRecord() })) {
    const holder = readOwned(LOCK);
    if (holder === undefined) continue;
    if (!isAlive(holder.owner)) {
      putAside(LOCK, holder);
      continue;
    }
    if (!told) say(`waiting for another setup (process ${holder.owner.pid})`);
    told = true;
    if (Date.now() > deadline) {
      throw new SetupError(`another setup (process ${holder.owner.pid}) does not end. End it and try again.`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        quiet: { type: "boolean", default: false },
        "modules-only": { type: "boolean", default: false },
        artillery: { type: "boolean", default: false },
        chaos: { type: "boolean", default: false },
        bench: { type: "boolean", default: false },
        proxy: { type: "boolean", default: false },
      },
    });
    const { quiet, artillery, chaos, bench, proxy } = values;
    return { quiet, modulesOnly: values["modules-only"], artillery, chaos, bench, proxy };
  } catch {
    throw new SetupError(
      "usage: node local/setup.mjs [--quiet] [--modules-only] [--artillery] [--chaos] [--bench] [--proxy]",
    );
  }
}

/** @param {string} words */
function say(words) {
  process.stderr.write(`setup: ${words}\n`);
}
