import { createDeliveryPace } from "../events/delivery-pace.ts";
import { createDispatcher } from "../events/dispatcher.ts";
import { createSinkFigures } from "../events/sink-figures.ts";
import { createEventSinks } from "../events/sinks/event-sinks.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { addSinkMetrics } from "../runtime/sink-metrics.ts";
import type { SharedParts } from "./shared-parts.ts";

/** Events in one delivery at most. */
const BATCH_MAX = 100;

/** Delivers events to the sinks, of which each has one process at a time. */
export function startEventsRole(config: Config, parts: SharedParts, lifecycle: Lifecycle): void {
  const { clock, tally, metrics, events } = parts;
  const figures = createSinkFigures();
  const eventSinks = createEventSinks({ allow: config.EVENT_SINKS_ALLOW, clock });
  const dispatcher = createDispatcher({
    ...{ ...parts, ...events, figures },
    // In a process that serves callers, they go first.
    pace: createDeliveryPace(clock, tally.total),
    openSink: eventSinks.open,
    random: Math.random,
    batchMax: BATCH_MAX,
    deliveryDeadlineMs: config.EVENT_SINKS_DEADLINE_MS,
  });
  addSinkMetrics(metrics.registry, { figures: figures.read, status: dispatcher.status });
  lifecycle.onRelease("deliveries to sinks", () => dispatcher.stop());
  dispatcher.start();
}
