import { isIPv6 } from "node:net";
import { isSha256, keyCountTrouble, keyTexts, sha256Of } from "./hashed-key-settings.ts";
import { hostOf } from "./loopback.ts";
import { checked } from "./setting-kinds.ts";

/** The settings of who may operate campaigns; `access/` uses them. */

/**
 * The rights of operators. A redeemer redeems coupons and a viewer reads, neither has rights of the other; an
 * operator has those of both, an admin those of an operator.
 */
export const OPERATOR_ROLES = ["redeemer", "viewer", "operator", "admin"] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** A key as it is configured: never the key itself. */
export type OperatorKeySetting = {
  readonly name: string;
  readonly role: OperatorRole;
  /** The SHA-256 of the key in hex. Keys are random and long, so that no salt is needed. */
  readonly sha256: string;
};

/** A key that a person could remember can be guessed from its hash. */
export const OPERATOR_KEY_LENGTH_MIN = 32;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,59}$/;
/** Actors of the history that are the service itself, and the names of the keys that several people share. */
const RESERVED = ["scheduler", "generator", "server", "operator", "local"];
export const OPERATOR_NAME_RULE = `1 to 60 letters, digits, ., _, @ or -, beginning with a letter or digit, and none of ${RESERVED.join(", ")}`;
const KEY_RULE = `must be name:role:sha256 with commas or blanks between them: a name of ${OPERATOR_NAME_RULE}, a role (${OPERATOR_ROLES.join(", ")}), and the SHA-256 of the key as 64 digits of lower-case hex (coupon keys create makes all three)`;

export const operatorSettings = {
  OPERATOR_KEYS: checked(keysTrouble).transform(keysIn).optional(),
  OPERATOR_HOSTS: checked(hostsTrouble)
    .transform((text) => keyTexts(text).map((host) => hostOf(bracketed(host)) ?? ""))
    .optional(),
};

/** Whether the settings let any operator in; a service without such settings makes a key at its start. */
export function hasOperators(config: {
  readonly OPERATOR_TOKEN?: unknown;
  readonly OPERATOR_KEYS?: unknown;
  readonly OPERATOR_OIDC_ISSUER?: unknown;
}): boolean {
  const { OPERATOR_TOKEN, OPERATOR_KEYS, OPERATOR_OIDC_ISSUER } = config;
  return [OPERATOR_TOKEN, OPERATOR_KEYS, OPERATOR_OIDC_ISSUER].some((setting) => setting !== undefined);
}

export function isOperatorName(name: string): boolean {
  return NAME.test(name) && !RESERVED.includes(name.toLowerCase());
}

/** The part of OPERATOR_KEYS that lets the holder of a key in. */
export function operatorKeyLine(name: string, role: OperatorRole, key: string): string {
  return `${name}:${role}:${sha256Of(key)}`;
}

function keysIn(text: string): OperatorKeySetting[] {
  return keyTexts(text).map((part) => {
    const [name = "", role = "", sha256 = ""] = part.split(":");
    return { name, role: role as OperatorRole, sha256 };
  });
}

const HOSTS_MAX = 20;

function hostsTrouble(text: string): string | undefined {
  const hosts = keyTexts(text);
  const isHost = (host: string) =>
    isIPv6(host) || (/^[\p{L}\p{N}._-]{1,253}$/u.test(host) && hostOf(host) !== undefined);
  return hosts.length > 0 && hosts.length <= HOSTS_MAX && hosts.every(isHost)
    ? undefined
    : `must be 1 to ${HOSTS_MAX} host names or IP addresses with commas or blanks between them, without scheme and port`;
}

/** As a URL has it. */
const bracketed = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/** A name may have several keys, so that one can be replaced while it is still in use; it has one role. */
function keysTrouble(text: string): string | undefined {
  const parts = keyTexts(text);
  const count = keyCountTrouble(parts);
  if (count !== undefined) return count;
  const isKey = (part: string) => {
    const [name = "", role = "", sha256 = "", ...more] = part.split(":");
    const isRole = OPERATOR_ROLES.some((known) => known === role);
    return isOperatorName(name) && isRole && isSha256(sha256) && more.length === 0;
  };
  if (!parts.every(isKey)) return KEY_RULE;
  const keys = keysIn(text);
  if (new Set(keys.map(({ sha256 }) => sha256)).size < keys.length) return "has the same key twice";
  const roles = new Map(keys.map(({ name, role }) => [name, role]));
  return keys.every(({ name, role }) => roles.get(name) === role)
    ? undefined
    : "must have one role for each name, also where it has several keys";
}
