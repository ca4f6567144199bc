import { sha256Of } from "../runtime/hashed-key-settings.ts";
import { OPERATOR_ROLES, type OperatorKeySetting, type OperatorRole } from "../runtime/operator-settings.ts";
import { bearerOf } from "./bearer.ts";
import { createHashedKeys, type HashedKey } from "./hashed-keys.ts";

/** The operator whom a credential proves. */
export type OperatorPrincipal = {
  /** The actor of the history. */
  readonly name: string;
  readonly role: OperatorRole;
  /** True: several people may have this credential; the history also notes the name that they give. */
  readonly isShared: boolean;
};

/**
 * `missing`: no credential was presented; `wrong`: an invalid one; `denied`: a valid one, whose holder is no
 * operator here; `undecided`: nobody can tell at the moment. `why` repeats no part of the credential.
 */
export type NoOperator = {
  readonly kind: "missing" | "wrong" | "denied" | "undecided";
  readonly why: string;
};

export type OperatorAnswer = { readonly kind: "operator"; readonly operator: OperatorPrincipal } | NoOperator;

/**
 * Finds the operator of an `authorization` header. Decides nothing about what the operator may do. Without a
 * promise where the credential is a key.
 */
export type AuthenticateOperator = (
  authorization: string | undefined,
) => OperatorAnswer | Promise<OperatorAnswer>;

/** Finds the operator of an access token (JWT). Never rejects. */
export type VerifyOperatorToken = (token: string) => Promise<OperatorAnswer>;

export type OperatorCredentials = {
  /** One key that all operators share, with every right. */
  readonly token?: string | undefined;
  readonly keys?: readonly OperatorKeySetting[] | undefined;
  /** undefined: no access tokens are accepted. */
  readonly verifyToken?: VerifyOperatorToken | undefined;
  /** The SHA-256 in hex of the key that the service made at its start, with every right. */
  readonly localKeySha256?: string | undefined;
};

/** Access tokens with the groups of a person are long; a request's head may have 16 KiB. */
const LENGTH_MAX = 8_192;
/** A JWT has two dots (RFC 7515, section 3.1). */
const JWT = /^[^.]*\.[^.]*\.[^.]*$/;

const MISSING = {
  kind: "missing",
  why: "an operator's key or token is needed: authorization: Bearer …",
} as const;
const TOO_LONG = { kind: "wrong", why: `authorization: must have ${LENGTH_MAX} characters at most` } as const;
const WRONG = { kind: "wrong", why: "the operator's key or token is not known here" } as const;

/** With no credential configured, nobody is an operator. */
export function createAuthenticateOperator({
  token,
  keys = [],
  verifyToken,
  localKeySha256,
}: OperatorCredentials): AuthenticateOperator {
  const known: HashedKey<OperatorPrincipal>[] = keys.map(({ name, role, sha256 }) => ({
    sha256,
    holder: { name, role, isShared: false },
  }));
  if (token !== undefined) known.push({ sha256: sha256Of(token), holder: sharedBy("operator") });
  if (localKeySha256 !== undefined) known.push({ sha256: localKeySha256, holder: sharedBy("local") });
  const operatorOf = createHashedKeys(known);
  return (authorization) => {
    if (authorization === undefined) return MISSING;
    if (authorization.length > LENGTH_MAX) return TOO_LONG;
    const key = bearerOf(authorization);
    if (key === undefined) return { kind: "wrong", why: "authorization: must be Bearer, a blank, and a key" };
    const operator = operatorOf(key);
    if (operator !== undefined) return { kind: "operator", operator };
    // Not before: a shared token may have dots, too.
    return verifyToken !== undefined && JWT.test(key) ? verifyToken(key) : WRONG;
  };
}

const sharedBy = (name: string): OperatorPrincipal => ({ name, role: "admin", isShared: true });

/** Whether a role has the rights of another. */
export function covers(role: OperatorRole, needed: OperatorRole): boolean {
  if (needed === "redeemer" && role === "viewer") return false;
  return OPERATOR_ROLES.indexOf(role) >= OPERATOR_ROLES.indexOf(needed);
}

/**
 * The actor that the history records: the proven name and, where several people share it, the name that the
 * caller gives, in parentheses. No proven name has a blank: what is before the first blank is proven.
 */
export function actorOf({ name, isShared }: OperatorPrincipal, claimed: string): string {
  return isShared && claimed !== "" ? `${name} (${claimed})` : name;
}
