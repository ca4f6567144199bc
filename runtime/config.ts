import { isIPv4 } from "node:net";
import { z } from "zod";
import { isSecretSetting } from "./redactor.ts";
import { REDACTED, redactUrls } from "./url-secrets.ts";
import { UserError } from "./user-error.ts";

export const ROLES = ["server", "scheduler", "generator"] as const;
export type Role = (typeof ROLES)[number];

/** A whole number, written in digits; anything else is told what is allowed. */
function whole(least: number, most: number, unit: string) {
  const error = `must be a whole number${unit}, ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, error)
    .transform(Number)
    .refine((value) => value >= least && value <= most, error);
}

const port = whole(0, 65_535, " (a port)");
const milliseconds = (least: number, most: number) => whole(least, most, " of milliseconds");
const count = (least: number, most: number) => whole(least, most, "");

const oneOf = <const W extends readonly string[]>(words: W) =>
  z.enum(words, `must be one of ${words.join(", ")}`);

const roles = z
  .string()
  .transform((text) => text.split(",").map((role) => role.trim()))
  .pipe(z.array(z.enum(ROLES, `must be one or more of ${ROLES.join(", ")}, with commas between`)).min(1));

const urls = (schemes: readonly string[]) =>
  z
    .string()
    .refine((text) => text.split(",").every((url) => schemes.some((scheme) => url.startsWith(scheme))), {
      message: `must start with ${schemes.join(" or ")}`,
    });

/** Every setting of a service process, its unit in its name. The README's table is checked against this. */
const schema = z.object({
  REDIS_URL: urls(["redis://", "rediss://"]),
  MONGODB_URL: z.string().regex(/^mongodb(\+srv)?:\/\//, "must start with mongodb:// or mongodb+srv://"),
  MONGODB_DATABASE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,60}$/, "must be 1 to 60 letters, digits, _ or -")
    .default("coupons"),
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: port.default(8080),
  GRPC_PORT: port.optional(),
  ROLES: roles.default([...ROLES]),
  WORKERS: count(1, 64).default(1),
  OPERATOR_TOKEN: z.string().min(16, "must have 16 characters or more").optional(),
  LOG_LEVEL: oneOf(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
  LOG_FORMAT: oneOf(["json", "text"]).default("json"),
  CLAIM_BATCH_MAX: count(1, 1_000).default(256),
  CLAIM_QUEUE_MAX: count(1, 1_000_000).default(20_000),
  COMMITS_IN_FLIGHT_MAX: count(1, 64).default(4),
  ISSUE_DEADLINE_MS: milliseconds(100, 60_000).default(5_000),
  STORE_DEADLINE_MS: milliseconds(100, 60_000).default(2_000),
  COMMIT_DEADLINE_MS: milliseconds(100, 60_000).default(4_000),
  COMMIT_STALL_MS: milliseconds(50, 60_000).default(1_000),
  LEASE_MS: milliseconds(1_000, 600_000).default(2_000),
  SWEEP_AFTER_MS: milliseconds(100, 60_000).default(1_000),
  START_DEADLINE_MS: milliseconds(100, 600_000).default(10_000),
  DRAIN_DEADLINE_MS: milliseconds(100, 600_000).default(10_000),
});

export type Config = z.output<typeof schema> & { GRPC_PORT: number };

/**
 * Reads the settings once per process. `env` is usually `process.env`; `flags` (from the command line) win over it.
 * @throws UserError naming each setting that is missing or out of range.
 */
export function readConfig(
  env: Record<string, string | undefined>,
  flags: Record<string, string | undefined> = {},
): Config {
  const given: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = flags[name] ?? env[name];
    if (value !== undefined && value !== "") given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      if (given[name] === undefined) return `${name} is required`;
      // A secret is not repeated; anything else helps to find where it comes from.
      const value = isSecretSetting(name) ? "" : `"${given[name]}" `;
      return `${name}: ${value}${issue.message}`;
    });
    throw new UserError(`configuration: ${[...new Set(lines)].join("; ")}`);
  }
  const config = parsed.data;
  const GRPC_PORT = config.GRPC_PORT ?? (config.PORT === 0 ? 0 : Math.min(65_535, config.PORT + 1_000));
  if (GRPC_PORT === config.PORT && GRPC_PORT !== 0)
    throw new UserError("configuration: GRPC_PORT must differ from PORT");
  if (config.WORKERS > 1 && !config.ROLES.includes("server")) {
    throw new UserError("configuration: WORKERS above 1 share the port of the server role: add it to ROLES");
  }
  if (config.OPERATOR_TOKEN === undefined && !isLoopback(config.HOST)) {
    throw new UserError(
      `configuration: HOST ${config.HOST} is reachable from other machines, so OPERATOR_TOKEN (16 characters or more) is required`,
    );
  }
  return { ...config, GRPC_PORT };
}

/** The settings for a log line: credentials in URLs and the token left out. */
export function redactConfig(config: Config): Record<string, unknown> {
  return {
    ...config,
    REDIS_URL: redactUrls(config.REDIS_URL),
    MONGODB_URL: redactUrls(config.MONGODB_URL),
    OPERATOR_TOKEN: config.OPERATOR_TOKEN === undefined ? undefined : REDACTED,
  };
}

/** The redacted settings that are not their defaults, for a person: what was decided here, without the twenty that nobody touched. */
export function changedSettings(config: Config): Record<string, unknown> {
  const { REDIS_URL, MONGODB_URL, PORT } = config;
  // GRPC_PORT follows PORT where it is not given.
  const { GRPC_PORT } = readConfig({ REDIS_URL, MONGODB_URL, PORT: String(PORT) });
  const defaults: Record<string, unknown> = { ...readConfig({ REDIS_URL, MONGODB_URL }), GRPC_PORT };
  const isDecided = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && (name.endsWith("_URL") || String(value) !== String(defaults[name]));
  return Object.fromEntries(Object.entries(redactConfig(config)).filter(isDecided));
}

function isLoopback(host: string): boolean {
  // A name such as 127.example.com may be anywhere.
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
