import type { WebhookSettings } from "../../record/event-documents.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CloudEvent } from "../cloud-event.ts";
import { DeliveryFailed, type Sink } from "../sink.ts";
import { connectionTrouble } from "./connection-trouble.ts";
import { createPoster, type PostAnswer, type Poster, type PostSent } from "./poster.ts";
import { retryAfterMs } from "./retry-after.ts";
import { createTakenEvents } from "./taken-events.ts";
import type { Targets } from "./targets.ts";
import { batchMessageOf, messageOf } from "./webhook-message.ts";
import { webhookUrlTrouble } from "./webhook-rules.ts";

export type SinkDeps = { readonly targets: Targets; readonly clock: Pick<Clock, "now" | "after"> };

/** One event a request: so many requests must fit into the deadline of a delivery. */
const ONE_BY_ONE_MAX = 20;
const GONE = 410;

/** POSTs events, signed. Never throws: what is wrong with the settings fails each delivery. */
export function openWebhookSink(settings: WebhookSettings, { targets, clock }: SinkDeps): Sink {
  const { url, secrets, batched = false } = settings;
  const taken = createTakenEvents();
  let poster: Poster | undefined;

  function opened(): Poster {
    const trouble = webhookUrlTrouble(url, targets);
    if (trouble !== undefined) throw new DeliveryFailed(`url: ${trouble}`);
    const target = new URL(url);
    const lookup = targets.lookup(target.protocol === "https:");
    poster ??= createPoster(target, { lookup, clock });
    return poster;
  }

  async function send(message: PostSent, signal: AbortSignal): Promise<void> {
    let answer: PostAnswer;
    try {
      answer = await opened().post(message, signal);
    } catch (error) {
      if (signal.aborted || error instanceof DeliveryFailed) throw error;
      throw new DeliveryFailed(connectionTrouble(error));
    }
    const failure = failureOf(answer, clock.now());
    if (failure !== undefined) throw failure;
  }

  function signedBy(sign: () => PostSent): PostSent {
    try {
      return sign();
    } catch {
      // Its own error may repeat a secret.
      throw new DeliveryFailed("secrets: none of them can sign a request now");
    }
  }

  async function deliverOneByOne(events: readonly CloudEvent[], signal: AbortSignal): Promise<void> {
    for (const event of taken.left(events)) {
      await send(
        signedBy(() => messageOf(event, secrets, clock.now())),
        signal,
      );
      taken.take([event]);
    }
    taken.forget(events);
  }

  return {
    ...(batched ? {} : { eventsMax: ONE_BY_ONE_MAX }),
    async deliver(events, signal) {
      if (!batched) return deliverOneByOne(events, signal);
      await send(
        signedBy(() => batchMessageOf(events, secrets, clock.now())),
        signal,
      );
    },
    async close() {
      poster?.close();
    },
  };
}

/** Of an answer only its status is told: the rest of it is the receiver's, and may be anything. */
function failureOf({ status, retryAfter }: PostAnswer, nowMs: number): DeliveryFailed | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400)
    return new DeliveryFailed(`the receiver answered ${status}: redirects are not followed`);
  if (status === GONE)
    return new DeliveryFailed(`the receiver answered ${status}: it is gone`, { isGone: true });
  return new DeliveryFailed(`the receiver answered ${status}`, {
    retryAfterMs: retryAfterMs(retryAfter, nowMs),
  });
}
