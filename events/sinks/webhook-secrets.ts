import { randomBytes } from "node:crypto";
import type { WebhookSecret } from "../../record/event-documents.ts";

/** Source: the Standard Webhooks specification, 1.0.0, "Signature scheme". */
const PREFIX = "whsec_";
const BYTES = { least: 24, most: 64, made: 32 } as const;
/** Each one more makes a signature more in every request. */
export const SECRETS_MAX = 5;

export function newWebhookSecret(): string {
  return `${PREFIX}${randomBytes(BYTES.made).toString("base64")}`;
}

/** Why a text is no secret, without the text; undefined: it is one. */
export function webhookSecretTrouble(secret: string): string | undefined {
  const rule = `must be ${PREFIX} and the base64 of ${BYTES.least} to ${BYTES.most} random bytes`;
  if (!secret.startsWith(PREFIX)) return rule;
  const text = secret.slice(PREFIX.length);
  const bytes = Buffer.from(text, "base64");
  const isBase64 = bytes.toString("base64") === text;
  return isBase64 && bytes.length >= BYTES.least && bytes.length <= BYTES.most ? undefined : rule;
}

/**
 * The secrets after one more has been added: each request is signed with the old ones, too, until the
 * overlap is over, so that a receiver can change in its own time.
 */
export function rotatedSecrets(
  secrets: readonly WebhookSecret[],
  fresh: string,
  { nowMs, overlapMs }: { readonly nowMs: number; readonly overlapMs: number },
): WebhookSecret[] {
  const untilMs = nowMs + overlapMs;
  const old = validSecrets(secrets, nowMs)
    .filter(({ secret }) => secret !== fresh)
    .map(({ secret, until }) => ({
      secret,
      until: new Date(Math.min(untilMs, until?.getTime() ?? untilMs)),
    }));
  return validSecrets([{ secret: fresh }, ...old].slice(0, SECRETS_MAX), nowMs);
}

/** Those that requests are signed with now. */
export function validSecrets(secrets: readonly WebhookSecret[], nowMs: number): WebhookSecret[] {
  return secrets.filter(({ until }) => until === undefined || until.getTime() > nowMs);
}
