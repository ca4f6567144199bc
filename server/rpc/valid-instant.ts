import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { invalid, LATEST_MS, type Valid, valid } from "../../campaign/valid.ts";

const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");
const NANOS_MAX = 999_999_999;

/**
 * Milliseconds since the epoch, rounded up: an instant between two milliseconds must not come early. In
 * binary the seconds and nanoseconds may have any value of their types; a valid Timestamp is one that RFC
 * 3339 can write.
 */
export function validInstant(field: string, { seconds, nanos }: Timestamp): Valid<number> {
  if (nanos < 0 || nanos > NANOS_MAX) return invalid(field, `has ${nanos} nanos: must be 0 to ${NANOS_MAX}`);
  const ms = Number(seconds) * 1_000 + Math.ceil(nanos / 1_000_000);
  if (ms < EARLIEST_MS) return invalid(field, "must be in the year 1 or later");
  if (Number(seconds) * 1_000 > LATEST_MS) return invalid(field, "must be before the year 10000");
  // The last allowed millisecond cannot be rounded up.
  return valid(Math.min(ms, LATEST_MS));
}
