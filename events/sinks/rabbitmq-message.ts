import type { Options } from "amqplib";
import type { CloudEvent } from "../cloud-event.ts";

export type RabbitMqMessage = {
  readonly key: string;
  readonly content: Buffer;
  readonly options: Options.Publish & { readonly messageId: string };
};

/**
 * An event as a message. There is no binding of CloudEvents to AMQP 0-9-1; this is the structured mode of the
 * one to AMQP 1.0, property by property, so that a consumer over AMQP 1.0 of the same queue finds that one.
 */
export function rabbitMqMessageOf(event: CloudEvent): RabbitMqMessage {
  const options = {
    ...{ persistent: true, mandatory: true, messageId: event.id, type: event.type },
    contentType: "application/cloudevents+json; charset=utf-8",
    timestamp: Math.floor(Date.parse(event.time) / 1_000),
    appId: "coupon-issuer",
  };
  return { key: routingKeyOf(event), content: Buffer.from(JSON.stringify(event)), options };
}

/** `coupon.issued.CAMPAIGN`; of a test `sink.test.SINK`. */
export function routingKeyOf({ type, data }: CloudEvent): string {
  return `${type}.${"sink" in data ? data.sink : data.campaignId}`;
}

/** Messages in their order, cut where the routing key changes. */
export function runsByKey(messages: readonly RabbitMqMessage[]): RabbitMqMessage[][] {
  const runs: RabbitMqMessage[][] = [];
  for (const message of messages) {
    const last = runs.at(-1);
    if (last?.[0]?.key === message.key) last.push(message);
    else runs.push([message]);
  }
  return runs;
}
