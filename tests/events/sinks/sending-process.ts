/** A process that delivers two events and ends: what it trusts is set in its environment. */

import type { SinkSettings } from "../../../events/sink.ts";
import { createEventSinks } from "../../../events/sinks/event-sinks.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { couponEvents } from "../../support/cloud-events.ts";

const settings = JSON.parse(process.env["SINK_SETTINGS"] ?? "") as SinkSettings;
const sink = createEventSinks({ allow: ["loopback"], clock: systemClock }).open(settings);
try {
  await sink.deliver(couponEvents("01J0000000000000000000000A", 2), new AbortController().signal);
} finally {
  await sink.close();
}
