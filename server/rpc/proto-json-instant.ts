/** RFC 3339 with no fraction or three digits of it, as ProtoJSON writes whole milliseconds. */
export function instant(ms: number): string {
  const text = new Date(ms).toISOString();
  return ms % 1_000 === 0 ? `${text.slice(0, 19)}Z` : text;
}
