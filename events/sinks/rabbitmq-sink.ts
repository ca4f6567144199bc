import type { RabbitMqSettings } from "../../record/event-documents.ts";
import { abortable } from "../../runtime/abortable.ts";
import { createRedactor } from "../../runtime/redactor.ts";
import type { CloudEvent } from "../cloud-event.ts";
import { DeliveryFailed, type Sink } from "../sink.ts";
import { brokerTrouble } from "./broker-trouble.ts";
import { rabbitMqAddress, rabbitMqUrlTrouble } from "./rabbitmq-address.ts";
import { type Outcome, openLink, type RabbitMqLink } from "./rabbitmq-link.ts";
import { type RabbitMqMessage, rabbitMqMessageOf, runsByKey } from "./rabbitmq-message.ts";
import { createTakenEvents } from "./taken-events.ts";
import type { SinkDeps } from "./webhook-sink.ts";

/**
 * Publishes events to an exchange; taken is what the broker has confirmed. Never throws: what is wrong with
 * the settings fails each delivery.
 */
export function openRabbitMqSink({ url, exchange }: RabbitMqSettings, { targets, clock }: SinkDeps): Sink {
  const redact = createRedactor({ urls: [url] });
  const closing = new AbortController();
  const taken = createTakenEvents();
  let opening: Promise<RabbitMqLink> | undefined;
  let link: RabbitMqLink | undefined;

  async function open(): Promise<RabbitMqLink> {
    const trouble = rabbitMqUrlTrouble(url, targets);
    const address = rabbitMqAddress(url);
    if (trouble !== undefined || address === undefined) throw new DeliveryFailed(`url: ${trouble}`);
    const lookup = targets.lookup(address.isEncrypted);
    return openLink(address, { exchange, lookup, clock, signal: closing.signal });
  }

  /** One connection for all campaigns; another one where it was lost. */
  async function linked(signal: AbortSignal): Promise<RabbitMqLink> {
    if (link?.isOpen()) return link;
    opening ??= open()
      .then((opened) => {
        link = opened;
        return opened;
      })
      .finally(() => {
        opening = undefined;
      });
    return abortable(opening, signal);
  }

  /** Publishes messages of one key, which all have the same queues, and remembers those that were taken. */
  async function publish(
    to: RabbitMqLink,
    run: readonly RabbitMqMessage[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    try {
      await abortable(to.unblocked(), signal);
    } catch (error) {
      throw to.isBlocked() ? new DeliveryFailed(BLOCKED) : error;
    }
    try {
      return await abortable(to.publish(run), signal);
    } catch (error) {
      // What is on its way could come at any time: nothing more goes over this connection.
      to.cut();
      throw to.isBlocked() ? new DeliveryFailed(BLOCKED) : error;
    }
  }

  async function deliverOver(to: RabbitMqLink, events: readonly CloudEvent[], signal: AbortSignal) {
    const left = taken.left(events);
    let from = 0;
    for (const run of runsByKey(left.map(rabbitMqMessageOf))) {
      const outcomes = await publish(to, run, signal);
      taken.take(left.slice(from, from + run.length).filter((_, i) => outcomes[i] === "taken"));
      const failed = outcomes.find((outcome) => outcome !== "taken");
      if (failed !== undefined) throw new DeliveryFailed(wordsOf(failed, run, to));
      from += run.length;
    }
    taken.forget(events);
  }

  function wordsOf(
    outcome: Exclude<Outcome, "taken">,
    run: readonly RabbitMqMessage[],
    to: RabbitMqLink,
  ): string {
    if (outcome === "returned") return `no queue is bound for ${run[0]?.key}`;
    if (outcome === "refused") return "a queue did not take a message: it is full, or its node is away";
    return redact(brokerTrouble(to.trouble()));
  }

  return {
    async deliver(events, signal) {
      try {
        await deliverOver(await linked(signal), events, signal);
      } catch (error) {
        if (signal.aborted || error instanceof DeliveryFailed) throw error;
        throw new DeliveryFailed(redact(brokerTrouble(error)));
      }
    },
    async close() {
      // A connection that is being opened is cut.
      if (opening !== undefined) closing.abort();
      await opening?.catch(() => undefined);
      await link?.close();
      closing.abort();
    },
  };
}

const BLOCKED = "the broker takes no messages now: it is short of memory or disk";
