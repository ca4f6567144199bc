import { createHash } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { WebhookSecret } from "../../record/event-documents.ts";
import { productVersion } from "../../runtime/version.ts";
import type { CloudEvent } from "../cloud-event.ts";
import type { PostSent } from "./poster.ts";
import { validSecrets } from "./webhook-secrets.ts";

/**
 * Source: CloudEvents 1.0.2, JSON format and HTTP protocol binding. Its binary mode is not used: what it puts
 * into headers would not be signed.
 */
const ONE = "application/cloudevents+json; charset=utf-8";
const BATCH = "application/cloudevents-batch+json; charset=utf-8";

/** One event as it is sent. @throws where no secret is valid */
export function messageOf(event: CloudEvent, secrets: readonly WebhookSecret[], nowMs: number): PostSent {
  return signed([event], ONE, JSON.stringify(event), secrets, nowMs);
}

/** Several events as they are sent in one request. @throws where no secret is valid */
export function batchMessageOf(
  events: readonly CloudEvent[],
  secrets: readonly WebhookSecret[],
  nowMs: number,
): PostSent {
  return signed(events, BATCH, JSON.stringify(events), secrets, nowMs);
}

function signed(
  events: readonly CloudEvent[],
  type: string,
  body: string,
  secrets: readonly WebhookSecret[],
  nowMs: number,
): PostSent {
  const id = webhookIdOf(events);
  const at = new Date(nowMs);
  const signatures = validSecrets(secrets, nowMs).map(({ secret }) => new Webhook(secret).sign(id, at, body));
  if (signatures.length === 0) throw new Error("no secret is valid");
  const headers = {
    "content-type": type,
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": `coupon-issuer/${productVersion()}`,
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(nowMs / 1_000)),
    "webhook-signature": signatures.join(" "),
  };
  return { headers, body };
}

/**
 * The same for the same events, whenever they are sent, and another one for any others. A hash: ids of events
 * have characters that an id of the specification must not have.
 */
function webhookIdOf(events: readonly CloudEvent[]): string {
  const hash = createHash("sha256").update(JSON.stringify(events.map(({ source, id }) => [source, id])));
  return `msg_${hash.digest("base64url").slice(0, 32)}`;
}
