import { parseArgs } from "node:util";
import { readConfig, redactConfig } from "../runtime/config.ts";
import { createLifecycle, exitOnSignals, type Lifecycle } from "../runtime/lifecycle.ts";
import { createLogger } from "../runtime/logger.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { startRoles } from "./roles.ts";

type Environment = Record<string, string | undefined>;

/** What must be there before the service starts, and how to give it back after everything else. */
export type Ground = { readonly env: Environment; readonly release: () => Promise<void> };

const USAGE = `usage: [--roles server,scheduler,generator] [--host 127.0.0.1] [--port 8080] [--grpc-port 9080]
Everything else comes from the environment; the README has the table.
`;

const FLAGS = {
  help: { type: "boolean", short: "h" },
  roles: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  "grpc-port": { type: "string" },
} as const;

/** `--roles server,scheduler` and the like; they win over the environment. */
function readFlags(args: string[]): Environment {
  try {
    const { values } = parseArgs({ args, options: FLAGS });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(EXIT.ok);
    }
    return { ROLES: values.roles, HOST: values.host, PORT: values.port, GRPC_PORT: values["grpc-port"] };
  } catch (error) {
    const flags = Object.keys(FLAGS).map((flag) => `--${flag}`);
    throw new UserError(
      `${error instanceof Error ? error.message : String(error)} (flags: ${flags.join(", ")})`,
    );
  }
}

async function start(flags: Environment, ground: Ground): Promise<void> {
  let lifecycle: Lifecycle | undefined;
  try {
    const config = readConfig(ground.env, flags);
    const logger = createLogger({ level: config.LOG_LEVEL, format: config.LOG_FORMAT });
    lifecycle = createLifecycle(logger, config.DRAIN_DEADLINE_MS);
    lifecycle.onRelease("what the service stands on", ground.release);
    exitOnSignals(lifecycle, logger);
    logger.info({ config: redactConfig(config) }, `starting ${config.ROLES.join(", ")}`);
    const addresses = await startRoles(config, logger, lifecycle);
    const where = addresses === undefined ? "" : ` on ${addresses.http} (gRPC on ${addresses.grpc})`;
    logger.info({ ...addresses, roles: config.ROLES }, `ready${where}`);
  } catch (error) {
    await (lifecycle === undefined ? ground.release() : lifecycle.release());
    throw error;
  }
}

/**
 * The whole life of a service process: stands until a signal ends it. Trouble at the start ends it with one line for what the
 * person who started it can mend (see EXIT for the codes), with a stack trace for a bug.
 */
export async function runService(args: string[], lay: () => Promise<Ground>): Promise<void> {
  try {
    const flags = readFlags(args);
    await start(flags, await lay());
  } catch (error) {
    const known = error instanceof UserError;
    const told = error instanceof Error ? (known ? error.message : error.stack) : String(error);
    process.stderr.write(
      known ? `coupon: ${told}\n` : `coupon: unexpected trouble, please report it\n${told}\n`,
    );
    process.exit(known ? error.exitCode : EXIT.bug);
  }
}
