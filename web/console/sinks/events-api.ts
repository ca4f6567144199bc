import { type Client, createClient } from "@connectrpc/connect";
import { EventService } from "../../../proto/gen/coupon/v1/event_service_pb.ts";
import { useSignedIn } from "../session/session.tsx";
import { keptFor } from "../views/kept.ts";

/** The operators' service of events, called with the operator's credential. */
export type EventsApi = Client<typeof EventService>;

export function useEventsApi(): EventsApi {
  const { transport } = useSignedIn();
  return keptFor(transport, "events", () => createClient(EventService, transport));
}
