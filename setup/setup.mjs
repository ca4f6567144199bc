/**
 * Installs what this machine lacks to run, test and develop the service: node modules, redis-server and a
 * libc that the embedded MongoDB engine accepts. Ends at once when nothing is missing.
 *
 *   node setup/setup.mjs [--quiet] [--modules-only] [--artillery] [--chaos] [--bench] [--proxy] [--engines]
 *     [--hosts] [--browser] [--prometheus] [--rabbitmq]
 *
 * --quiet         prints nothing when nothing is to do
 * --modules-only  only node modules (enough for the checks)
 * --artillery     also artillery, the load generator of `npm run load`, in a cache outside the clone
 * --chaos         also libfaketime, which tests and fault rounds with wrong clocks need
 * --bench         also wrk, the load generator of the benchmarks
 * --proxy         also nginx and haproxy, which the tests of a rolling restart and of the deployment need
 * --hosts         also haproxy, libfaketime, ip and nft, which `npm run hosts` needs
 * --browser       also chromium and a font with Hangul, which the tests of the pages need
 * --prometheus    also prometheus and promtool, which the tests of metrics, dashboard and alerts need
 * --rabbitmq      also rabbitmq-server, which tests, `chaos --alerts` and the benchmark sinks need
 * --engines       also Redis 8 and Valkey 8, unpacked in .local, which `npm run test:engines` needs
 *
 * Plain JavaScript without dependencies: it runs before any are installed. Prints on stderr only.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { releaseOwned } from "../local/owned-file.mjs";
import { installArtillery, isArtilleryHere } from "./artillery.mjs";
import { installChromium, isChromiumHere } from "./chromium.mjs";
import { endCommandsOnSignals } from "./command.mjs";
import { areEnginesHere, unpackEngines } from "./engines.mjs";
import { SetupError } from "./error.mjs";
import { installFaketime, isFaketimeHere } from "./faketime.mjs";
import { installHaproxy, isHaproxyHere } from "./haproxy.mjs";
import { isMongodbHere, unpackLibc } from "./libc.mjs";
import { takeLock } from "./lock.mjs";
import { areModulesInstalled, installModules } from "./modules.mjs";
import { areNetworkToolsHere, installNetworkTools } from "./network-tools.mjs";
import { installNginx, isNginxHere } from "./nginx.mjs";
import { installPrometheus, isPrometheusHere } from "./prometheus.mjs";
import { installRabbitMq, isRabbitMqHere } from "./rabbitmq.mjs";
import { installRedis, isRedisHere } from "./redis.mjs";
import { installWrk, isWrkHere } from "./wrk.mjs";

/** @typedef {{ words: string, isDone: () => boolean, run: () => Promise<void> }} Step */

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const LOCK = join(REPOSITORY, ".local", "setup.lock");

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
  await takeLock(LOCK, { say, advice: "Run this as the owner of the repository." });
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
 * @param {{ modulesOnly: boolean, artillery: boolean, chaos: boolean, bench: boolean, proxy: boolean,
 * engines: boolean, hosts: boolean, browser: boolean, prometheus: boolean, rabbitmq: boolean }} wanted
 * @returns {Step[]}
 */
function stepsFor(wanted) {
  const { modulesOnly, artillery, chaos, bench, proxy, engines, hosts, browser, prometheus, rabbitmq } =
    wanted;
  return [
    {
      words: "installing node modules",
      isDone: () => areModulesInstalled(REPOSITORY),
      run: () => installModules(REPOSITORY),
    },
    ...(artillery
      ? [{ words: "installing artillery", isDone: isArtilleryHere, run: () => installArtillery(say) }]
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
    ...(chaos || hosts
      ? [{ words: "installing libfaketime", isDone: isFaketimeHere, run: installFaketime }]
      : []),
    ...(bench ? [{ words: "installing wrk", isDone: isWrkHere, run: installWrk }] : []),
    ...(proxy ? [{ words: "installing nginx", isDone: isNginxHere, run: installNginx }] : []),
    ...(proxy || hosts ? [{ words: "installing haproxy", isDone: isHaproxyHere, run: installHaproxy }] : []),
    ...(hosts
      ? [{ words: "installing ip and nft", isDone: areNetworkToolsHere, run: installNetworkTools }]
      : []),
    ...(browser ? [{ words: "installing chromium", isDone: isChromiumHere, run: installChromium }] : []),
    ...(prometheus
      ? [{ words: "installing prometheus", isDone: isPrometheusHere, run: installPrometheus }]
      : []),
    ...(rabbitmq
      ? [{ words: "installing rabbitmq-server", isDone: isRabbitMqHere, run: installRabbitMq }]
      : []),
    ...(engines
      ? [{ words: "unpacking Redis 8 and Valkey 8", isDone: areEnginesHere, run: unpackEngines }]
      : []),
  ];
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
        engines: { type: "boolean", default: false },
        hosts: { type: "boolean", default: false },
        browser: { type: "boolean", default: false },
        prometheus: { type: "boolean", default: false },
        rabbitmq: { type: "boolean", default: false },
      },
    });
    const { quiet, "modules-only": modulesOnly, ...others } = values;
    return { quiet, modulesOnly, ...others };
  } catch {
    throw new SetupError(
      "usage: node setup/setup.mjs [--quiet] [--modules-only] [--artillery] [--chaos] [--bench] [--proxy] [--engines] [--hosts] [--browser] [--prometheus] [--rabbitmq]",
    );
  }
}

/** @param {string} words */
function say(words) {
  process.stderr.write(`setup: ${words}\n`);
}
