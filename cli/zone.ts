/**
 * Time zones of Intl: their names, and an instant on the clock of a zone. For the other direction, from wall
 * time to instants: cli/wall-time.ts.
 */

/**
 * The canonical name, or undefined where there is no such zone. Abbreviations are refused: IST, CST or EST
 * mean several things.
 */
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

/** A format is expensive to make, so there is one for each zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone: zone, calendar: "iso8601", hourCycle: "h23", timeZoneName: "longOffset" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 },
  });
  formats.set(zone, format);
  return format;
}

/** RFC 3339 on the wall clock of the zone: "2026-12-24T20:00:00.000+09:00". */
export function rfc3339In(epochMs: number, zone: string): string {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(epochMs)
      .map(({ type, value }) => [type, value]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  const date = `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
  const time = `${part("hour")}:${part("minute")}:${part("second")}.${part("fractionalSecond")}`;
  // "GMT+09:00"; "GMT" alone where it is zero.
  return `${date}T${time}${part("timeZoneName").slice(3) || "+00:00"}`;
}
