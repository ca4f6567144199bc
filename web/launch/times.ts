/** Days and `hours:minutes:seconds`, rounded up to whole seconds: it is 0 at the start, not before. */
export function clockOf(millis: number): { readonly days: number; readonly time: string } {
  const seconds = Math.ceil(millis / 1_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const time = [Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
    .map(two)
    .join(":");
  return { days: Math.floor(seconds / 86_400), time };
}

/** Making a format takes a phone longer than a frame, and the countdown shows one each second. */
const startFormats = new Map<string, Intl.DateTimeFormat>();

function startFormat(lang: string, isWholeMinute: boolean): Intl.DateTimeFormat {
  const name = `${lang} ${isWholeMinute}`;
  const known = startFormats.get(name);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat(lang, {
    ...{ month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit" },
    ...(isWholeMinute ? {} : ({ second: "2-digit" } as const)),
    timeZoneName: "short",
  });
  startFormats.set(name, format);
  return format;
}

/** The start, in the zone of the device, which is named. */
export function startText(lang: string, startsAt: Date): string {
  return startFormat(lang, startsAt.getTime() % 60_000 === 0).format(startsAt);
}

/** Makes ready what `startText` mostly needs. */
export function prepareStartText(lang: string): void {
  startFormat(lang, true);
}

/** When a coupon was issued, to the second. */
export function issuedText(lang: string, issuedAt: Date): string {
  const hms = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  return new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", ...hms }).format(issuedAt);
}
