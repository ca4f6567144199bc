import { isAbsolute } from "node:path";
import { isSha256, keyCountTrouble, keyTexts } from "./hashed-key-settings.ts";
import { isLoopback } from "./loopback.ts";
import { isSafeUrl } from "./safe-url.ts";
import { isSendable, SENDABLE } from "./setting.ts";
import { checked, milliseconds, oneOf } from "./setting-kinds.ts";

/** The settings of who may claim; `access/` uses them. */

/** RFC 7518, section 3.2: a key of HS256 is at least as long as its hash. */
const SECRET_LENGTH_MIN = 32;
const SECRETS_MAX = 4;
const NAME = /^[A-Za-z0-9._-]{1,60}$/;
const KEY_RULE =
  "must be name:sha256 pairs with commas or blanks between them: a name of 1 to 60 letters, digits, ., _ or -, and the SHA-256 of the key as 64 digits of lower-case hex";

export type ClaimKeySetting = { readonly name: string; readonly sha256: string };

export const claimAuthSettings = {
  CLAIM_AUTH: oneOf(["open", "key", "token"]).optional(),
  CLAIM_TOKEN_SECRET: checked(secretsTrouble)
    .transform((text) => text.trim().split(/\s+/))
    .optional(),
  CLAIM_TOKEN_JWKS: checked(jwksTrouble).optional(),
  CLAIM_TOKEN_AUDIENCE: checked(claimTrouble).optional(),
  CLAIM_TOKEN_ISSUER: checked(claimTrouble).optional(),
  CLAIM_TOKEN_SKEW_MS: milliseconds(0, 300_000).default(5_000),
  CLAIM_KEYS: checked(keysTrouble).transform(keysIn).optional(),
};

function secretsTrouble(text: string): string | undefined {
  const secrets = text.trim().split(/\s+/);
  if (secrets.length > SECRETS_MAX)
    return `has ${secrets.length} secrets: at most ${SECRETS_MAX}, with blanks between`;
  if (secrets.some((secret) => !isSendable(secret))) return `must be ${SENDABLE}`;
  return secrets.some((secret) => secret.length < SECRET_LENGTH_MIN)
    ? `must have ${SECRET_LENGTH_MIN} characters or more, each where there are several`
    : undefined;
}

function jwksTrouble(text: string): string | undefined {
  return isAbsolute(text) || isSafeUrl(text)
    ? undefined
    : "must be an absolute path, or an https:// URL without user and password (http:// on loopback)";
}

function claimTrouble(text: string): string | undefined {
  return isSendable(text) && text.length <= 200 ? undefined : `must be 1 to 200 ${SENDABLE}`;
}

function keysIn(text: string): ClaimKeySetting[] {
  return keyTexts(text).map((part) => {
    const [name = "", sha256 = ""] = part.split(":");
    return { name, sha256 };
  });
}

function keysTrouble(text: string): string | undefined {
  const parts = keyTexts(text);
  const count = keyCountTrouble(parts);
  if (count !== undefined) return count;
  const isPair = (part: string) => {
    const [name = "", sha256 = "", ...more] = part.split(":");
    return NAME.test(name) && isSha256(sha256) && more.length === 0;
  };
  if (!parts.every(isPair)) return KEY_RULE;
  const names = keysIn(text).map(({ name }) => name);
  return new Set(names).size === names.length ? undefined : "must have a name of its own for each key";
}

type ClaimAuthConfig = {
  readonly HOST: string;
  readonly PORT: number | "off";
  readonly CLAIM_AUTH?: "open" | "key" | "token" | undefined;
  readonly CLAIM_TOKEN_SECRET?: readonly string[] | undefined;
  readonly CLAIM_TOKEN_JWKS?: string | undefined;
  readonly CLAIM_TOKEN_AUDIENCE?: string | undefined;
  readonly CLAIM_KEYS?: readonly ClaimKeySetting[] | undefined;
};

/** What is wrong with the settings together, for a process with the server role; undefined: nothing. */
export function claimAuthTrouble(config: ClaimAuthConfig): string | undefined {
  const { HOST, PORT, CLAIM_AUTH, CLAIM_TOKEN_AUDIENCE, CLAIM_KEYS } = config;
  const signs = config.CLAIM_TOKEN_SECRET ?? config.CLAIM_TOKEN_JWKS;
  if (CLAIM_AUTH === undefined && PORT !== "off" && !isLoopback(HOST))
    return `HOST ${HOST} is reachable from other machines, so CLAIM_AUTH is required: token, key, or open where every caller is trusted`;
  if (CLAIM_AUTH === "token" && signs === undefined)
    return "CLAIM_AUTH is token, so CLAIM_TOKEN_SECRET (HS256) or CLAIM_TOKEN_JWKS (RS256, ES256, EdDSA) is required";
  if (signs !== undefined && CLAIM_TOKEN_AUDIENCE === undefined)
    return "CLAIM_TOKEN_SECRET and CLAIM_TOKEN_JWKS need CLAIM_TOKEN_AUDIENCE: a token that was made for another service must not claim";
  if (CLAIM_AUTH === "key" && CLAIM_KEYS === undefined) return "CLAIM_AUTH is key, so CLAIM_KEYS is required";
  return undefined;
}
