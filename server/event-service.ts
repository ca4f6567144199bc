import { createEventSinks } from "../events/sinks/event-sinks.ts";
import type { Config } from "../runtime/config.ts";
import { createEventService, type EventServiceDeps } from "./events/event-service.ts";
import { createSinkFacts } from "./events/sink-facts.ts";
import { createReadingPace } from "./rpc/reading-pace.ts";
import type { SharedParts } from "./shared-parts.ts";

/** The operators' service for events, as a server has it. */
export function createEventServiceOf(
  config: Config,
  parts: SharedParts,
  shared: Pick<EventServiceDeps, "processLook" | "reads" | "draining">,
) {
  const { clock, events } = parts;
  return createEventService({
    ...{ ...parts, ...events, ...shared },
    sinkFacts: createSinkFacts({ ...parts, ...events }),
    eventSinks: createEventSinks({ allow: config.EVENT_SINKS_ALLOW, clock }),
    pace: createReadingPace({ clock }),
    deliveryDeadlineMs: config.EVENT_SINKS_DEADLINE_MS,
  });
}
