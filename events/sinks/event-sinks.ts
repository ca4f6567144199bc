import type { RabbitMqSettings, SinkSettings, WebhookSettings } from "../../record/event-documents.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Sink } from "../sink.ts";
import { rabbitMqAddress, rabbitMqTrouble } from "./rabbitmq-address.ts";
import { openRabbitMqSink } from "./rabbitmq-sink.ts";
import { createResolve, type Resolve } from "./resolve.ts";
import { createTargets } from "./targets.ts";
import { webhookTrouble } from "./webhook-rules.ts";
import { openWebhookSink } from "./webhook-sink.ts";

/** The kinds of receivers, and the rules for all of them. */
export type EventSinks = {
  /**
   * Why these settings cannot be those of a sink: `field: must …`, without the field's value. undefined: they
   * can. Names are not looked up here: their addresses count when a connection is made.
   */
  troubleOf(settings: SinkSettings): string | undefined;
  /** Never throws: a sink whose settings are no longer allowed fails each delivery. */
  open(settings: SinkSettings): Sink;
};

export type EventSinksOptions = {
  /** EVENT_SINKS_ALLOW. */
  readonly allow: readonly string[];
  readonly clock: Pick<Clock, "now" | "after">;
  /** By default the system's. */
  readonly resolve?: Resolve;
};

export function createEventSinks({ allow, clock, resolve = createResolve() }: EventSinksOptions): EventSinks {
  const targets = createTargets(allow, resolve);
  const deps = { targets, clock };
  return {
    troubleOf: (settings) =>
      settings.kind === "webhook" ? webhookTrouble(settings, targets) : rabbitMqTrouble(settings, targets),
    open: (settings) =>
      settings.kind === "webhook" ? openWebhookSink(settings, deps) : openRabbitMqSink(settings, deps),
  };
}

/** Where a sink's events go, as operators may see it: the rest of a URL may be secret. */
export function shownTarget(settings: SinkSettings): string {
  return settings.kind === "webhook" ? shownWebhook(settings) : shownRabbitMq(settings);
}

function shownWebhook({ url }: WebhookSettings): string {
  if (!URL.canParse(url)) return "";
  const { origin, pathname, search } = new URL(url);
  return pathname === "/" && search === "" ? `${origin}/` : `${origin}/…`;
}

function shownRabbitMq({ url, exchange }: RabbitMqSettings): string {
  const address = rabbitMqAddress(url);
  if (address === undefined) return exchange;
  const { isEncrypted, host, port, vhost } = address;
  const shown = host.includes(":") ? `[${host}]` : host;
  return `${isEncrypted ? "amqps" : "amqp"}://${shown}:${port}/${encodeURIComponent(vhost)} ${exchange}`;
}
