/** Zones that are UTC under another name, as ICU and people spell them. */
const UTC_NAMES = /^(etc\/)?(utc|uct|gmt|gmt[+-]?0|zulu|universal|greenwich)$/i;

/**
 * The value of `TZ` where Node does not support it as a zone, and then uses UTC without a warning; undefined
 * where it does, or `TZ` is not set. A POSIX rule such as KST-9 is returned too: it is no name of a zone.
 */
export function unknownZone(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const given = env["TZ"] ?? "";
  const name = given.replace(/^:/, "");
  if (name === "" || UTC_NAMES.test(name)) return undefined;
  try {
    // Intl accepts asia/seoul too, TZ does not.
    if (/^[A-Z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "")
      return undefined;
  } catch {
    // A RangeError: there is no such zone.
  }
  return given;
}

/**
 * From here on this process computes in UTC, whatever `TZ` is: node-cron 4.6 sets the milliseconds of local
 * dates, and in the repeated hour of a zone with summer time such a date falls back by an hour, with the
 * option `timezone: "UTC"` too.
 */
export function runInUtc(): void {
  process.env["TZ"] = "UTC";
}
