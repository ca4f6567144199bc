/** Zones that are UTC under another name, as ICU and people spell them. */
const UTC_NAMES = /^(etc\/)?(utc|uct|gmt|gmt[+-]?0|zulu|universal|greenwich)$/i;

/**
 * What `TZ` holds where that is no zone that Node knows; undefined where it is one, or is not set. Node then
 * goes on as if it were UTC, and says nothing. POSIX rules such as KST-9 have no name that could be shown.
 */
export function unknownZone(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const given = env["TZ"] ?? "";
  const name = given.replace(/^:/, "");
  if (name === "" || UTC_NAMES.test(name)) return undefined;
  try {
    // Intl takes asia/seoul too, TZ does not.
    if (/^[A-Z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "")
      return undefined;
  } catch {
    // A RangeError: there is no such zone.
  }
  return given;
}

/**
 * From here on this process computes in UTC, whatever `TZ` says: node-cron 4.6 sets the milliseconds of local
 * dates, and in the repeated hour of a zone with summer time such a date falls back by an hour, with the
 * option `timezone: "UTC"` too.
 */
export function runInUtc(): void {
  process.env["TZ"] = "UTC";
}
