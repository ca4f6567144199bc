/** What Intl knows about time zones: the offset at an instant, and back from a wall clock to the instants it may mean. */

const dayMs = 86_400_000;

/** The canonical name, or undefined where there is no such zone. Abbreviations are refused: IST, CST or EST mean several things. */
export function canonicalZone(name: string): string | undefined {
  if (!name.includes("/") && !["UTC", "GMT"].includes(name.toUpperCase())) return undefined;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The operator's own zone. */
export function systemZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && zone !== "Etc/Unknown" ? zone : "UTC";
}

/** How far the wall clock of the zone is ahead of UTC at this instant. */
export function offsetMsAt(epochMs: number, zone: string): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = new Map(format.formatToParts(epochMs).map((part) => [part.type, Number(part.value)]));
  const field = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const wallMs = Date.UTC(
    field("year"),
    field("month") - 1,
    field("day"),
    field("hour"),
    field("minute"),
    field("second"),
  );
  return wallMs - Math.floor(epochMs / 1000) * 1000;
}

/** The instants at which the zone's clocks show this wall time: none in a gap, two where clocks go back, else one. */
export function instantsOfWallTime(wallMs: number, zone: string): number[] {
  const offsets = new Set([offsetMsAt(wallMs - dayMs, zone), offsetMsAt(wallMs + dayMs, zone)]);
  return [...offsets]
    .map((offsetMs) => ({ epochMs: wallMs - offsetMs, offsetMs }))
    .filter((candidate) => offsetMsAt(candidate.epochMs, zone) === candidate.offsetMs)
    .map((candidate) => candidate.epochMs)
    .sort((a, b) => a - b);
}

/** "+09:00" */
export function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** RFC 3339 on the wall clock of the zone: "2026-12-24T20:00:00.000+09:00". */
export function rfc3339In(epochMs: number, zone: string): string {
  const offsetMs = offsetMsAt(epochMs, zone);
  return new Date(epochMs + offsetMs).toISOString().replace("Z", offsetText(offsetMs));
}
