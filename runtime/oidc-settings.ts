import { OPERATOR_ROLES, type OperatorRole } from "./operator-settings.ts";
import { isSafeUrl } from "./safe-url.ts";
import { isSendable, SENDABLE } from "./setting.ts";
import { checked, milliseconds } from "./setting-kinds.ts";

/**
 * The settings of operators who have access tokens of an OpenID Connect provider; `access/oidc/` uses them.
 */

/** A role as the provider calls it, and what it is here. */
export type OidcRoleSetting = { readonly theirs: string; readonly role: OperatorRole };

const ROLES_MAX = 100;
const TEXT_LENGTH_MAX = 200;
const ISSUER_RULE =
  "must be the issuer as its tokens have it: an https:// URL (http:// on loopback) without user, password, ? and #";
const ROLES_RULE = `must be 1 to ${ROLES_MAX} pairs name:role with commas between them: a role of the provider, and one of ${OPERATOR_ROLES.join(", ")}`;

export const oidcSettings = {
  OPERATOR_OIDC_ISSUER: checked(issuerTrouble).optional(),
  OPERATOR_OIDC_AUDIENCE: checked(textTrouble).optional(),
  OPERATOR_OIDC_ROLE_CLAIM: checked(textTrouble).default("roles"),
  OPERATOR_OIDC_ROLES: checked(rolesTrouble).transform(rolesIn).optional(),
  OPERATOR_OIDC_NAME_CLAIM: checked(textTrouble).default("sub"),
  OPERATOR_OIDC_SKEW_MS: milliseconds(0, 300_000).default(5_000),
};

function issuerTrouble(text: string): string | undefined {
  return isSafeUrl(text) && !/[?#\s]/.test(text) ? undefined : ISSUER_RULE;
}

function textTrouble(text: string): string | undefined {
  return isSendable(text) && text.length <= TEXT_LENGTH_MAX
    ? undefined
    : `must be 1 to ${TEXT_LENGTH_MAX} ${SENDABLE}`;
}

/** The names of roles and groups may have colons themselves, and blanks. */
function rolesIn(text: string): OidcRoleSetting[] {
  return text
    .split(",")
    .filter((pair) => pair.trim() !== "")
    .map((pair) => {
      const at = pair.lastIndexOf(":");
      return {
        theirs: pair.slice(0, Math.max(0, at)).trim(),
        role: pair.slice(at + 1).trim() as OperatorRole,
      };
    });
}

function rolesTrouble(text: string): string | undefined {
  const pairs = rolesIn(text);
  const isPair = ({ theirs, role }: OidcRoleSetting) =>
    theirs !== "" && theirs.length <= TEXT_LENGTH_MAX && OPERATOR_ROLES.includes(role);
  if (pairs.length === 0 || pairs.length > ROLES_MAX || !pairs.every(isPair)) return ROLES_RULE;
  const names = new Set(pairs.map(({ theirs }) => theirs));
  return names.size === pairs.length ? undefined : "must have each role of the provider once";
}

type OidcConfig = {
  readonly OPERATOR_OIDC_ISSUER?: string | undefined;
  readonly OPERATOR_OIDC_AUDIENCE?: string | undefined;
};

/** What is wrong with the settings together; undefined: nothing. */
export function oidcTrouble({
  OPERATOR_OIDC_ISSUER,
  OPERATOR_OIDC_AUDIENCE,
}: OidcConfig): string | undefined {
  if ((OPERATOR_OIDC_ISSUER === undefined) === (OPERATOR_OIDC_AUDIENCE === undefined)) return undefined;
  return OPERATOR_OIDC_AUDIENCE === undefined
    ? "OPERATOR_OIDC_ISSUER needs OPERATOR_OIDC_AUDIENCE: a token that was made for another service must not operate this one"
    : "OPERATOR_OIDC_AUDIENCE needs OPERATOR_OIDC_ISSUER: the provider whose tokens are accepted";
}
