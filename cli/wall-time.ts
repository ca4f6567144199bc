import { Temporal } from "temporal-polyfill";

/**
 * The instants at which the clocks of the zone show this wall time, which is given as if it were UTC: none
 * where they skip it, two where they go back, else one. A module of its own: Temporal takes 15 ms to load,
 * which only verbs that are given an instant wait for.
 */
export function instantsOfWallTime(wallMs: number, zone: string): number[] {
  const wall = Temporal.Instant.fromEpochMilliseconds(wallMs).toZonedDateTimeISO("UTC").toPlainDateTime();
  const earlier = wall.toZonedDateTime(zone, { disambiguation: "earlier" });
  const later = wall.toZonedDateTime(zone, { disambiguation: "later" });
  if (earlier.equals(later)) return [earlier.epochMilliseconds];
  // On both sides of a gap the clocks show other times than the one that was asked for.
  const isShown = earlier.toPlainDateTime().equals(wall);
  return isShown ? [earlier.epochMilliseconds, later.epochMilliseconds] : [];
}
