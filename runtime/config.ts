import { z } from "zod";
import { certificateKeySettings } from "./certificate-key-settings.ts";
import { claimAuthSettings, claimAuthTrouble } from "./claim-auth-settings.ts";
import { claimHookSettings, claimHookTrouble } from "./claim-hook-settings.ts";
import { connectionSettings } from "./connection-settings.ts";
import { erasureSettings } from "./erasure-settings.ts";
import { eventSinkSettings } from "./event-sink-settings.ts";
import { limitSettings, limitTrouble, userRateOf } from "./limit-settings.ts";
import { listenerSettings } from "./listener-settings.ts";
import {
  grpcPortBeside,
  listenersTrouble,
  operatorsListenerOf,
  type PortChoice,
  SERVER_PORTS,
} from "./listeners.ts";
import { isLoopback } from "./loopback.ts";
import { oidcSettings, oidcTrouble } from "./oidc-settings.ts";
import { hasOperators, operatorSettings } from "./operator-settings.ts";
import { originSettings } from "./origin-settings.ts";
import { proxySettings, proxyTrouble } from "./proxy-settings.ts";
import { isSecretSetting } from "./secret-settings.ts";
import { sentrySettings } from "./sentry-settings.ts";
import { isSendable, SENDABLE, settingOf } from "./setting.ts";
import { checked, count, countOrOff, milliseconds, oneOf } from "./setting-kinds.ts";
import { mongodbUrlTrouble, redisUrlTrouble } from "./store-url.ts";
import { tlsSettings, tlsTrouble } from "./tls-settings.ts";
import { redactTracing, tracingSettings } from "./tracing-settings.ts";
import { REDACTED, redactUrls } from "./url-secrets.ts";
import { UserError } from "./user-error.ts";

export const ROLES = ["server", "scheduler", "generator", "events"] as const;
export type Role = (typeof ROLES)[number];

const roles = z
  .string()
  .transform((text) => text.split(",").map((role) => role.trim()))
  .pipe(z.array(z.enum(ROLES, `must be one or more of ${ROLES.join(", ")}, with commas between`)).min(1));

function tokenTrouble(text: string): string | undefined {
  if (!isSendable(text)) return `must be ${SENDABLE}: nothing else can be sent in a header`;
  return text.length < 16 ? "must have 16 characters or more" : undefined;
}

/** MongoDB reserves these names, in upper and lower case. */
const OWN_DATABASES = ["admin", "config", "local"];
const databaseTrouble = (text: string) =>
  /^[A-Za-z0-9_-]{1,60}$/.test(text) && !OWN_DATABASES.includes(text.toLowerCase())
    ? undefined
    : `must be 1 to 60 letters, digits, _ or -, and none of ${OWN_DATABASES.join(", ")}`;

/**
 * Every setting of a service process, its unit in its name. The table on docs/configuration.md is checked
 * against this.
 */
const schema = z.object({
  REDIS_URL: checked(redisUrlTrouble),
  MONGODB_URL: checked(mongodbUrlTrouble),
  MONGODB_DATABASE: checked(databaseTrouble).default("coupons"),
  ...listenerSettings,
  ...tlsSettings,
  KEEP_ALIVE_TIMEOUT_MS: milliseconds(1_000, 3_600_000).default(75_000),
  ...connectionSettings,
  ...proxySettings,
  ROLES: roles.default([...ROLES]),
  WORKERS: count(1, 64).default(1),
  PUBLIC_LAUNCH_PAGE: oneOf(["on", "off"]).default("off"),
  OPERATOR_TOKEN: checked(tokenTrouble).optional(),
  ...claimAuthSettings,
  ...limitSettings,
  ...claimHookSettings,
  ...certificateKeySettings,
  ...operatorSettings,
  ...oidcSettings,
  ...originSettings,
  ...eventSinkSettings,
  ...erasureSettings,
  LOG_LEVEL: oneOf(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
  LOG_FORMAT: oneOf(["json", "text"]).default("json"),
  ...sentrySettings,
  ...tracingSettings,
  CLAIM_BATCH_MAX: count(1, 1_000).default(256),
  CLAIM_QUEUE_MAX: count(1, 1_000_000).default(20_000),
  CLAIMS_HELD_MAX: count(1, 1_000_000).default(20_000),
  CLAIM_WAIT_TARGET_MS: milliseconds(0, 60_000).default(100),
  COMMITS_IN_FLIGHT_MAX: count(1, 64).default(4),
  HERD_RATE: countOrOff(1, 1_000_000).default(5_000),
  WARM_UP: oneOf(["on", "off"]).default("on"),
  ATTEMPTS_KEPT: count(0, 1_000_000).default(0),
  ISSUE_DEADLINE_MS: milliseconds(100, 60_000).default(5_000),
  STORE_DEADLINE_MS: milliseconds(100, 60_000).default(2_000),
  COMMIT_DEADLINE_MS: milliseconds(100, 60_000).default(4_000),
  COMMIT_STALL_MS: milliseconds(50, 60_000).default(1_000),
  STORE_STALL_MS: milliseconds(50, 60_000).default(1_000),
  LEASE_MS: milliseconds(1_000, 600_000).default(2_000),
  SWEEP_AFTER_MS: milliseconds(100, 60_000).default(1_000),
  START_DEADLINE_MS: milliseconds(100, 600_000).default(10_000),
  SHUTDOWN_DELAY_MS: milliseconds(0, 600_000).default(0),
  DRAIN_DEADLINE_MS: milliseconds(100, 600_000).default(10_000),
});

/** The names of all settings. */
export const SETTINGS = Object.keys(schema.shape) as readonly (keyof typeof schema.shape)[];

/** The most characters of a wrong value that an error repeats. */
const SHOWN_MAX = 60;

export type Config = z.output<typeof schema> & {
  GRPC_PORT: PortChoice;
  CLAIM_AUTH: "open" | "key" | "token";
  LIMIT_USER: string;
};

/**
 * Reads the settings once per process. `env` is usually `process.env`; `flags` (from the command line) take
 * precedence over it.
 * @throws UserError naming each setting that is missing or out of range.
 */
export function readConfig(
  env: Record<string, string | undefined>,
  flags: Record<string, string | undefined> = {},
): Config {
  const given: Record<string, string> = {};
  for (const name of SETTINGS) {
    const value = settingOf(flags, name) ?? settingOf(env, name);
    if (value !== undefined) given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      if (given[name] === undefined) return `${name} is required`;
      // A secret is not repeated; any other value is, because it helps to find where it was set.
      const value = isSecretSetting(name) ? "" : `${JSON.stringify(given[name].slice(0, SHOWN_MAX))} `;
      return `${name}: ${value}${issue.message}`;
    });
    throw new UserError(`configuration: ${[...new Set(lines)].join("; ")}`);
  }
  const { PORT, GRPC_PORT, TLS_CERT_FILE } = parsed.data;
  const config = {
    ...parsed.data,
    GRPC_PORT: GRPC_PORT ?? grpcPortBeside(PORT, TLS_CERT_FILE !== undefined),
  };
  if (config.WORKERS > 1 && !config.ROLES.includes("server")) {
    throw new UserError("configuration: WORKERS above 1 share the port of the server role: add it to ROLES");
  }
  refuseIdleFlags(config.ROLES, flags);
  // Without the server role a process serves only the health pages: they hold no secret and offer no
  // operation. On loopback the service makes a key, which only its own user on this machine can read.
  const trouble = config.ROLES.includes("server")
    ? (listenersTrouble(config) ??
      tlsTrouble(config) ??
      proxyTrouble(config) ??
      operatorsTrouble(config) ??
      claimAuthTrouble(config) ??
      oidcTrouble(config) ??
      limitTrouble(config) ??
      claimHookTrouble(config))
    : undefined;
  if (trouble !== undefined) throw new UserError(`configuration: ${trouble}`);
  const { CLAIM_AUTH = "open" } = config;
  return { ...config, CLAIM_AUTH, LIMIT_USER: userRateOf(config.LIMIT_USER, CLAIM_AUTH) };
}

function operatorsTrouble(config: Omit<Config, "CLAIM_AUTH" | "LIMIT_USER">): string | undefined {
  const at = operatorsListenerOf(config);
  if (hasOperators(config) || at === undefined || isLoopback(at.host)) return undefined;
  return `${at.hostSetting} ${at.host} is reachable from other machines, so OPERATOR_KEYS (coupon keys create), OPERATOR_OIDC_ISSUER or OPERATOR_TOKEN (16 characters or more) is required`;
}

/**
 * Refuses a flag that this process would not use. A setting in the environment is not refused: processes of
 * all roles may share one environment.
 */
function refuseIdleFlags(roles: readonly Role[], flags: Record<string, string | undefined>): void {
  const name = SERVER_PORTS.find((one) => settingOf(flags, one) !== undefined);
  if (name === undefined || roles.includes("server")) return;
  const flag = `--${name.toLowerCase().replaceAll("_", "-")}`;
  throw new UserError(
    `configuration: ${name} (${flag}) is of the server role, which this process does not have: --health-port sets where its health pages are`,
  );
}

/** The settings for a log line: credentials in URLs, the token and the hashes of keys left out. */
export function redactConfig(config: Config): Record<string, unknown> {
  return {
    ...config,
    REDIS_URL: redactUrls(config.REDIS_URL),
    MONGODB_URL: redactUrls(config.MONGODB_URL),
    OPERATOR_TOKEN: config.OPERATOR_TOKEN === undefined ? undefined : REDACTED,
    ...(config.CLAIM_TOKEN_SECRET === undefined ? {} : { CLAIM_TOKEN_SECRET: REDACTED }),
    ...(config.ERASURE_KEY === undefined ? {} : { ERASURE_KEY: REDACTED }),
    ...(config.SENTRY_DSN === undefined ? {} : { SENTRY_DSN: redactUrls(config.SENTRY_DSN) }),
    ...redactTracing(config),
    ...(config.CLAIM_HOOK_SECRET === undefined ? {} : { CLAIM_HOOK_SECRET: REDACTED }),
    ...(config.CERTIFICATE_KEY === undefined ? {} : { CERTIFICATE_KEY: REDACTED }),
    ...(config.CLAIM_KEYS === undefined ? {} : { CLAIM_KEYS: config.CLAIM_KEYS.map(({ name }) => name) }),
    ...(config.OPERATOR_KEYS === undefined
      ? {}
      : { OPERATOR_KEYS: config.OPERATOR_KEYS.map(({ name, role }) => `${name}:${role}`) }),
    ...(config.OPERATOR_OIDC_ROLES === undefined
      ? {}
      : { OPERATOR_OIDC_ROLES: config.OPERATOR_OIDC_ROLES.map(({ theirs, role }) => `${theirs}:${role}`) }),
  };
}

/**
 * The redacted settings that differ from their defaults, and the URLs of the stores: for a person, who needs
 * to see what was set and not the twenty defaults.
 */
export function changedSettings(config: Config): Record<string, unknown> {
  const { REDIS_URL, MONGODB_URL, PORT, TLS_CERT_FILE } = config;
  // GRPC_PORT follows PORT where it is not given.
  const GRPC_PORT = grpcPortBeside(PORT, TLS_CERT_FILE !== undefined);
  const defaults: Record<string, unknown> = { ...readConfig({ REDIS_URL, MONGODB_URL }), GRPC_PORT };
  const isDecided = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && (name.endsWith("_URL") || String(value) !== String(defaults[name]));
  return Object.fromEntries(Object.entries(redactConfig(config)).filter(isDecided));
}
