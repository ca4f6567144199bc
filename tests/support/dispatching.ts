import { randomUUID } from "node:crypto";
import { createDeliveryPace } from "../../events/delivery-pace.ts";
import { createDispatcher, type Dispatcher, type DispatcherDeps } from "../../events/dispatcher.ts";
import { createSinkFigures } from "../../events/sink-figures.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { createEventParts, type EventParts } from "../../server/event-parts.ts";
import { httpSink } from "./http-sink.ts";
import { recordsOf } from "./made-campaign.ts";
import { silentLogger, type TestStores } from "./shared-stores.ts";

export type Dispatching = EventParts & { readonly dispatcher: Dispatcher };

/** A dispatcher as a process has it, with sinks over plain HTTP. */
export function dispatching(
  { db, pool }: Pick<TestStores, "db" | "pool">,
  given: Partial<DispatcherDeps> & { readonly clock?: Clock } = {},
): Dispatching {
  const { clock = systemClock, owner = randomUUID(), leaseMs = 60_000 } = given;
  const records = recordsOf(db);
  const shared = { ...records, db, pool, clock, owner, leaseMs, logger: silentLogger };
  const parts = createEventParts({ ...shared, commitDeadlineMs: 0 });
  const dispatcher = createDispatcher({
    ...{ ...shared, ...parts, random: () => 0, batchMax: 20, deliveryDeadlineMs: 5_000 },
    figures: createSinkFigures(),
    pace: createDeliveryPace(clock, () => 0),
    openSink: (settings) => httpSink(settings.url),
    ...given,
  });
  return { ...parts, dispatcher };
}
