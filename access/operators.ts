import { createHash, timingSafeEqual } from "node:crypto";
import { OPERATOR_ROLES, type OperatorKeySetting, type OperatorRole } from "../runtime/operator-settings.ts";

/** The operator whom a credential proves. */
export type OperatorPrincipal = {
  /** The actor of the history. */
  readonly name: string;
  readonly role: OperatorRole;
  /** True: several people may have this credential; the history also notes the name that they give. */
  readonly isShared: boolean;
};

/** `missing`: no credential was presented; `wrong`: an invalid one. `why` repeats no part of it. */
export type NoOperator = { readonly kind: "missing" | "wrong"; readonly why: string };

/** Finds the operator of an `authorization` header. Decides nothing about what the operator may do. */
export type AuthenticateOperator = (
  authorization: string | undefined,
) => { readonly kind: "operator"; readonly operator: OperatorPrincipal } | NoOperator;

export type OperatorCredentials = {
  /** One key that all operators share, with every right. */
  readonly token?: string | undefined;
  readonly keys?: readonly OperatorKeySetting[] | undefined;
};

/** The scheme is case-insensitive, the key is not (RFC 9110, section 11.1). */
const BEARER = /^bearer +(?<key>[^\s,]+) *$/i;
/** Longer than any key, and little to hash. */
const AUTHORIZATION_LENGTH_MAX = 4_096;

const OPEN = { kind: "operator", operator: { name: "", role: "admin", isShared: true } } as const;
const MISSING = {
  kind: "missing",
  why: "an operator's key or token is needed: authorization: Bearer …",
} as const;
const WRONG = { kind: "wrong", why: "the operator's key or token is not known here" } as const;

/** Compares digests, each with every key, so that the time tells nothing about the keys. */
export function createAuthenticateOperator({ token, keys = [] }: OperatorCredentials): AuthenticateOperator {
  const known: {
    readonly digest: Buffer;
    readonly found: { kind: "operator"; operator: OperatorPrincipal };
  }[] = keys.map(({ name, role, sha256 }) => ({
    digest: Buffer.from(sha256, "hex"),
    found: { kind: "operator", operator: { name, role, isShared: false } },
  }));
  if (token !== undefined) {
    const operator = { name: "operator", role: "admin", isShared: true } as const;
    known.push({ digest: digestOf(token), found: { kind: "operator", operator } });
  }
  if (known.length === 0) return () => OPEN;
  return (authorization) => {
    if (authorization === undefined) return MISSING;
    if (authorization.length > AUTHORIZATION_LENGTH_MAX) return WRONG;
    const key = BEARER.exec(authorization)?.groups?.["key"];
    if (key === undefined) return { kind: "wrong", why: "authorization: must be Bearer, a blank, and a key" };
    const digest = digestOf(key);
    let answer: ReturnType<AuthenticateOperator> = WRONG;
    for (const one of known) if (timingSafeEqual(digest, one.digest)) answer = one.found;
    return answer;
  };
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** Whether a role has the rights of another. */
export function covers(role: OperatorRole, needed: OperatorRole): boolean {
  return OPERATOR_ROLES.indexOf(role) >= OPERATOR_ROLES.indexOf(needed);
}

/**
 * The actor that the history records: the proven name and, where several people share it, the name that the
 * caller gives, in parentheses. No proven name has a blank: what is before the first blank is proven.
 */
export function actorOf({ name, isShared }: OperatorPrincipal, claimed: string): string {
  if (name === "") return claimed;
  return isShared && claimed !== "" ? `${name} (${claimed})` : name;
}
