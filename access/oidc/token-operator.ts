import { OPERATOR_ROLES, type OperatorRole } from "../../runtime/operator-settings.ts";
import type { OperatorAnswer } from "../operators.ts";

type Claims = Readonly<Record<string, unknown>>;

/** How the claims of an access token become an operator. */
export type OperatorClaims = {
  /** The claim with the roles; a path with dots leads into objects. */
  readonly roleClaim: string;
  readonly roles: ReadonlyMap<string, OperatorRole>;
  /** The claim that names the operator in the history. */
  readonly nameClaim: string;
};

/**
 * Before each name that a token proves: no name of a key has a colon, so neither can pass for the other, or
 * for the service itself.
 */
const PREFIX = "oidc:";
const NAME_LENGTH_MAX = 90;
/** No blank: what stands before the first blank of an actor is proven. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+|:/~#=-]*$/;
const VALUES_MAX = 1_000;

/** The operator whom the claims of a verified access token name. */
export function operatorOfClaims(
  claims: Claims,
  { roleClaim, roles, nameClaim }: OperatorClaims,
): OperatorAnswer {
  const name = valueAt(claims, nameClaim);
  if (typeof name !== "string" || name.length > NAME_LENGTH_MAX || !NAME.test(name)) {
    const rule = `must name the operator: 1 to ${NAME_LENGTH_MAX} letters of ASCII, digits and . _ @ + | : / ~ # = -`;
    return { kind: "denied", why: `${nameClaim}: this claim of the access token ${rule}` };
  }
  // People may change their address at many providers, to one that is another's.
  if (nameClaim === "email" && claims["email_verified"] !== true)
    return {
      kind: "denied",
      why: "email_verified: must be true in the access token, where email names the operator",
    };
  const role = highestRole(textsIn(valueAt(claims, roleClaim)), roles);
  if (role === undefined) {
    const why = `${PREFIX}${name} has no role of an operator: ${roleClaim} of the access token has none of those that count here`;
    return { kind: "denied", why };
  }
  return { kind: "operator", operator: { name: PREFIX + name, role, isShared: false } };
}

/** The claim of this name; else, where the name has dots, what the path leads to. */
function valueAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const step of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Claims)[step];
  }
  return value;
}

/** A list, or one text with blanks between, as `scope` is. */
function textsIn(value: unknown): unknown[] {
  if (typeof value === "string") return [value, ...value.split(" ")];
  return Array.isArray(value) ? value.slice(0, VALUES_MAX) : [];
}

/** Of redeemer and viewer, neither of which has the rights of the other: viewer. */
function highestRole(theirs: readonly unknown[], roles: ReadonlyMap<string, OperatorRole>) {
  let highest: OperatorRole | undefined;
  for (const name of theirs) {
    const role = typeof name === "string" ? roles.get(name) : undefined;
    if (role !== undefined && (highest === undefined || rankOf(role) > rankOf(highest))) highest = role;
  }
  return highest;
}

const rankOf = (role: OperatorRole) => OPERATOR_ROLES.indexOf(role);
