import { lookup } from "node:dns/promises";
import { parseArgs } from "node:util";
import { changedSettings, readConfig, redactConfig } from "../runtime/config.ts";
import { redactCrashes } from "../runtime/crash.ts";
import { createLifecycle, exitOnSignals, type Lifecycle } from "../runtime/lifecycle.ts";
import { operatorsListenerOf } from "../runtime/listeners.ts";
import { hasOperators } from "../runtime/operator-settings.ts";
import { type Redact, redactorOf } from "../runtime/redactor.ts";
import { withSecretFiles } from "../runtime/secret-files.ts";
import { settingWarnings } from "../runtime/setting-warnings.ts";
import { runInUtc, unknownZone } from "../runtime/time-zone.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { visible } from "../runtime/visible.ts";
import { toldAddresses } from "./addresses-told.ts";
import { createReportingLogger } from "./error-reports.ts";
import { checkTlsFiles } from "./http/tls-files.ts";
import { createLocalKey } from "./local-key.ts";
import { startRoles } from "./roles.ts";
import { alone } from "./worker-slot.ts";
import { createWorkerGroup, DRAIN_GRACE_MS, type WorkerGroup } from "./workers/workers.ts";

type Environment = Record<string, string | undefined>;

/**
 * The environment of the service, and the function that releases what it refers to, called last. Its workers
 * get the same environment, so secrets in files are read from them in each process.
 */
export type Ground = { readonly env: Environment; readonly release: () => Promise<void> };

/** `flags` are settings too: passed here so that a wrong one is reported before anything is started. */
export type LayGround = (flags: Environment) => Promise<Ground>;

const usageOf = (command: string) => `usage: ${command} [flags]
  --roles LIST      what this process does: server,scheduler,generator,events
  --host HOST       address to listen on (127.0.0.1)
  --port N|off      HTTP/1.1: Connect, gRPC-Web, JSON (8080)
  --grpc-port N|off gRPC (--port + 1000)
  --operators-port N|off       the operators' services, which then leave --port; off: they are not served
  --operators-grpc-port N|off  gRPC of the operators' services (off)
  --health-port N|off          /healthz, /readyz and /metrics, which then leave --port;
                               without the server role 8090, else any that is free
  --workers N       server processes that share the ports, 1 to 64 (1)
  --help
Everything else comes from the environment; docs/configuration.md has the table.
`;

const FLAGS = {
  help: { type: "boolean", short: "h" },
  roles: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  "grpc-port": { type: "string" },
  "operators-port": { type: "string" },
  "operators-grpc-port": { type: "string" },
  "health-port": { type: "string" },
  workers: { type: "string" },
} as const;

/** Flags such as `--roles server,scheduler`; they take precedence over the environment. */
function readFlags(command: string, args: string[]): Environment {
  try {
    const { values } = parseArgs({ args, options: FLAGS });
    if (values.help === true) {
      process.stdout.write(usageOf(command));
      process.exit(EXIT.ok);
    }
    // `--grpc-port` is the setting GRPC_PORT, and so on.
    const settings = Object.entries(values).map(([flag, value]) => [
      flag.toUpperCase().replaceAll("-", "_"),
      String(value),
    ]);
    return Object.fromEntries(settings) as Environment;
  } catch (error) {
    const flags = Object.keys(FLAGS).map((flag) => `--${flag}`);
    throw new UserError(
      `${error instanceof Error ? error.message : String(error)} (flags: ${flags.join(", ")})`,
    );
  }
}

async function start(
  flags: Environment,
  ground: Ground,
  settings: Environment,
  redact: Redact,
  zone: string | undefined,
): Promise<void> {
  let lifecycle: Lifecycle | undefined;
  try {
    const config = readConfig(settings, flags);
    const { logger, flush } = await createReportingLogger(config, { redact });
    const isGroup = config.WORKERS > 1;
    const life = createLifecycle(
      logger,
      config.SHUTDOWN_DELAY_MS + config.DRAIN_DEADLINE_MS + (isGroup ? DRAIN_GRACE_MS : 0),
    );
    lifecycle = life;
    life.onRelease("what the service stands on", ground.release);
    life.onRelease("error reports", flush);
    const servesOperators = config.ROLES.includes("server") && operatorsListenerOf(config) !== undefined;
    const needsKey = servesOperators && !hasOperators(config);
    const localKey = needsKey ? createLocalKey(ground.env, logger) : undefined;
    if (localKey !== undefined) life.onRelease("the operators' key", () => localKey.remove());
    let group: WorkerGroup | undefined;
    if (isGroup) {
      const onGiveUp = (error: Error) => void life.release().then(() => endWith(error, redact));
      const localKeySha256 = localKey?.sha256;
      group = createWorkerGroup({ config, env: ground.env, localKeySha256, logger, onGiveUp });
      life.onRelease("workers", group.end);
    }
    exitOnSignals(life, logger, group?.worstCode);
    if (zone !== undefined)
      logger.warn(
        { TZ: zone },
        "TZ is no time zone that is known here; the service works in UTC, whatever TZ is",
      );
    for (const warning of settingWarnings(config)) logger.warn(warning);
    await checkTlsFiles(config);
    const told = config.LOG_FORMAT === "text" ? changedSettings(config) : { config: redactConfig(config) };
    logger.info(told, `starting ${config.ROLES.join(", ")}`);
    const addresses = await (group === undefined
      ? startRoles(config, logger, life, alone(localKey?.sha256))
      : group.start());
    const operatorsUrl = addresses.operators ?? addresses.http;
    if (localKey !== undefined && operatorsUrl !== undefined) {
      const { hostname, port } = new URL(operatorsUrl);
      localKey.publish(Number(port), await addressOf(hostname));
    }
    const workers = isGroup ? { workers: config.WORKERS } : {};
    logger.info(
      { ...addresses, roles: config.ROLES, ...workers },
      `ready ${toldAddresses(addresses, servesOperators)}`.trimEnd(),
    );
  } catch (error) {
    await (lifecycle === undefined ? ground.release() : lifecycle.release());
    throw error;
  }
}

/** The address of a URL's host: the one that a server gets when it listens on that name. */
async function addressOf(hostname: string): Promise<string> {
  const { address } = await lookup(hostname.replace(/^\[(.*)\]$/, "$1"));
  return address;
}

async function readSecrets(ground: Ground): Promise<Environment> {
  try {
    return withSecretFiles(ground.env);
  } catch (error) {
    await ground.release();
    throw error;
  }
}

/** Prints one line for a UserError (see EXIT for the codes) or a stack trace for a bug, and exits. */
function endWith(error: unknown, redact: Redact): never {
  const known = error instanceof UserError;
  const told = redact(
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error),
  );
  const shown = told.split("\n").map(visible).join("\n");
  process.stderr.write(
    known ? `coupon: ${shown}\n` : `coupon: unexpected trouble, please report it\n${shown}\n`,
  );
  process.exit(known ? error.exitCode : EXIT.bug);
}

/**
 * Runs a service process, or the group of them that `--workers` asks for, until a signal ends it. `command`
 * is the command line that the usage text shows.
 */
export async function runService(command: string, args: string[], lay: LayGround): Promise<void> {
  const zone = unknownZone(process.env);
  runInUtc();
  let redact = redactorOf(process.env);
  redactCrashes((text) => redact(text));
  try {
    const flags = readFlags(command, args);
    const ground = await lay(flags);
    // The stores that `lay` prepared may have secrets of their own.
    const settings = await readSecrets(ground);
    redact = redactorOf(settings);
    await start(flags, ground, settings, redact, zone);
  } catch (error) {
    endWith(error, redact);
  }
}
