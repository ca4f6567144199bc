import type { ServiceImpl } from "@connectrpc/connect";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { createDeadLetterService, type DeadLetterServiceDeps } from "./dead-letter-service.ts";
import { createReadEvents, type ReadEventsDeps } from "./read-events.ts";
import { createSinkService, type SinkServiceDeps } from "./sink-service.ts";
import { createTestSink, type TestSinkDeps } from "./test-sink.ts";

export type EventServiceDeps = SinkServiceDeps & DeadLetterServiceDeps & ReadEventsDeps & TestSinkDeps;

/** The operators' service for events. */
export function createEventService(deps: EventServiceDeps): ServiceImpl<typeof EventService> {
  return {
    ...createSinkService(deps),
    ...createDeadLetterService(deps),
    ...createReadEvents(deps),
    testSink: createTestSink(deps),
  };
}
