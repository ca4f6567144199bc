import { isLoopback } from "./loopback.ts";
import { isSendable, SENDABLE } from "./setting.ts";
import { checked, milliseconds, oneOf } from "./setting-kinds.ts";

/** The settings of the check whether a claim comes from a person; `claims/` uses them. */

const SECRET_LENGTH_MIN = 16;

export const claimHookSettings = {
  CLAIM_HOOK_URL: checked(urlTrouble).optional(),
  CLAIM_HOOK_SECRET: checked(secretTrouble).optional(),
  CLAIM_HOOK_FAILS: oneOf(["open", "closed"]).optional(),
  CLAIM_HOOK_DEADLINE_MS: milliseconds(50, 5_000).default(300),
};

function urlTrouble(text: string): string | undefined {
  const rule =
    "must be an https:// URL (http:// on loopback) without user, password, ? and #: CLAIM_HOOK_SECRET is for secrets";
  if (!URL.canParse(text)) return rule;
  const { protocol, hostname, username, password } = new URL(text);
  const isSafe = protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
  return isSafe && username === "" && password === "" && !/[?#]/.test(text) ? undefined : rule;
}

function secretTrouble(text: string): string | undefined {
  if (!isSendable(text)) return `must be ${SENDABLE}: nothing else can be sent in a header`;
  return text.length < SECRET_LENGTH_MIN ? `must have ${SECRET_LENGTH_MIN} characters or more` : undefined;
}

type ClaimHookConfig = {
  readonly CLAIM_HOOK_URL?: string | undefined;
  readonly CLAIM_HOOK_SECRET?: string | undefined;
  readonly CLAIM_HOOK_FAILS?: "open" | "closed" | undefined;
};

/** What is wrong with the settings together; undefined: nothing. */
export function claimHookTrouble(config: ClaimHookConfig): string | undefined {
  const { CLAIM_HOOK_URL, CLAIM_HOOK_SECRET, CLAIM_HOOK_FAILS } = config;
  if (CLAIM_HOOK_URL !== undefined && CLAIM_HOOK_FAILS === undefined)
    return "CLAIM_HOOK_URL needs CLAIM_HOOK_FAILS: open (while the hook does not answer, everybody may claim) or closed (nobody)";
  if (CLAIM_HOOK_URL === undefined && (CLAIM_HOOK_SECRET ?? CLAIM_HOOK_FAILS) !== undefined)
    return "CLAIM_HOOK_SECRET and CLAIM_HOOK_FAILS are of a hook: CLAIM_HOOK_URL is required with them";
  return undefined;
}
