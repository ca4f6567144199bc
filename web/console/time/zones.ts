/** The zone of the viewer's device. */
export function viewerZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && zone !== "Etc/Unknown" ? zone : "UTC";
}

const wallFormats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of the zone show at the instant, as if it were UTC, in milliseconds. */
export function wallMsAt(epochMs: number, zone: string): number {
  const known = wallFormats.get(zone);
  const format =
    known ??
    new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: zone, calendar: "iso8601", hourCycle: "h23" },
      ...{ year: "numeric", month: "2-digit", day: "2-digit" },
      ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 },
    });
  if (known === undefined) wallFormats.set(zone, format);
  const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const [year, month, day] = [part("year"), part("month"), part("day")];
  const date = Date.UTC(year, month - 1, day, part("hour"), part("minute"), part("second"));
  return date + part("fractionalSecond");
}

const DAY_MS = 86_400_000;

/**
 * The instants at which the clocks of the zone show this wall time, which is given as if it were UTC: none
 * where the clocks skip it, two where they go back, else one.
 */
export function instantsOfWallTime(wallMs: number, zone: string): number[] {
  // A zone is at most 14 h from UTC, so that its offsets a day before and after are those around a change.
  const offsets = new Set(
    [wallMs - DAY_MS, wallMs + DAY_MS].map((aroundMs) => wallMsAt(aroundMs, zone) - aroundMs),
  );
  return [...offsets]
    .map((offsetMs) => wallMs - offsetMs)
    .filter((epochMs) => wallMsAt(epochMs, zone) === wallMs)
    .sort((a, b) => a - b);
}

/** What an input of type datetime-local shows for the instant: "2026-12-24T20:00:00". */
export function wallTextAt(epochMs: number, zone: string): string {
  return new Date(wallMsAt(epochMs, zone)).toISOString().slice(0, 19);
}

/** The names of all zones: the viewer's, UTC and then the others. */
export function zoneNames(): string[] {
  return [...new Set([viewerZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];
}
