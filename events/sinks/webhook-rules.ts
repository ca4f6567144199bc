import type { WebhookSettings } from "../../record/event-documents.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import type { Targets } from "./targets.ts";
import { SECRETS_MAX, webhookSecretTrouble } from "./webhook-secrets.ts";

const URL_LENGTH_MAX = 2_000;

/** Why a URL is none that events are posted to; undefined: it is one. Never repeats it. */
export function webhookUrlTrouble(text: string, targets: Targets): string | undefined {
  const rule = "must be an https:// URL (http:// on loopback) without user, password and #";
  if (text.length > URL_LENGTH_MAX) return `must have ${URL_LENGTH_MAX} characters at most`;
  if (!URL.canParse(text) || text.includes("#") || /\s/.test(text)) return rule;
  const { protocol, hostname, username, password } = new URL(text);
  const isTls = protocol === "https:";
  if (!isTls && !(protocol === "http:" && isLoopback(hostname))) return rule;
  if (username !== "" || password !== "") return rule;
  return targets.troubleOf(hostname, isTls);
}

/** What is wrong with the settings, with the field's name and without its value; undefined: nothing. */
export function webhookTrouble({ url, secrets }: WebhookSettings, targets: Targets): string | undefined {
  const ofUrl = webhookUrlTrouble(url, targets);
  if (ofUrl !== undefined) return `url: ${ofUrl}`;
  if (secrets.length === 0 || secrets.length > SECRETS_MAX) return `secrets: must be 1 to ${SECRETS_MAX}`;
  if (secrets[0]?.until !== undefined) return "secrets: the first one must have no end";
  const ofSecret = secrets
    .map(({ secret }) => webhookSecretTrouble(secret))
    .find((trouble) => trouble !== undefined);
  return ofSecret === undefined ? undefined : `secrets: ${ofSecret}`;
}
