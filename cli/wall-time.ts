import { Temporal } from "temporal-polyfill";

/**
 * The instants at which the clocks of the zone show this wall time, which is given as if it were UTC: none
 * where the clocks skip it, two where they go back, else one. A module of its own, because Temporal takes 15
 * ms to load, which only verbs with an instant need.
 */
export function instantsOfWallTime(wallMs: number, zone: string): number[] {
  const wall = Temporal.Instant.fromEpochMilliseconds(wallMs).toZonedDateTimeISO("UTC").toPlainDateTime();
  const earlier = wall.toZonedDateTime(zone, { disambiguation: "earlier" });
  const later = wall.toZonedDateTime(zone, { disambiguation: "later" });
  if (earlier.equals(later)) return [earlier.epochMilliseconds];
  // In a gap, both results have another wall time than the given one.
  const isShown = earlier.toPlainDateTime().equals(wall);
  return isShown ? [earlier.epochMilliseconds, later.epochMilliseconds] : [];
}
