import { sha256Of } from "../runtime/hashed-key-settings.ts";
import { OPERATOR_ROLES, type OperatorKeySetting, type OperatorRole } from "../runtime/operator-settings.ts";
import { AUTHORIZATION_LENGTH_MAX, bearerOf } from "./bearer.ts";
import { createHashedKeys, type HashedKey } from "./hashed-keys.ts";

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

const OPEN = { kind: "operator", operator: { name: "", role: "admin", isShared: true } } as const;
const MISSING = {
  kind: "missing",
  why: "an operator's key or token is needed: authorization: Bearer …",
} as const;
const WRONG = { kind: "wrong", why: "the operator's key or token is not known here" } as const;

export function createAuthenticateOperator({ token, keys = [] }: OperatorCredentials): AuthenticateOperator {
  const known: HashedKey<OperatorPrincipal>[] = keys.map(({ name, role, sha256 }) => ({
    sha256,
    holder: { name, role, isShared: false },
  }));
  if (token !== undefined)
    known.push({ sha256: sha256Of(token), holder: { name: "operator", role: "admin", isShared: true } });
  if (known.length === 0) return () => OPEN;
  const operatorOf = createHashedKeys(known);
  return (authorization) => {
    if (authorization === undefined) return MISSING;
    if (authorization.length > AUTHORIZATION_LENGTH_MAX) return WRONG;
    const key = bearerOf(authorization);
    if (key === undefined) return { kind: "wrong", why: "authorization: must be Bearer, a blank, and a key" };
    const operator = operatorOf(key);
    return operator === undefined ? WRONG : { kind: "operator", operator };
  };
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
