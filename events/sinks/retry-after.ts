/**
 * How long to wait by the field `retry-after`, in ms: seconds or a date. undefined: it says nothing that can
 * be understood. Source: RFC 9110, section 10.2.3.
 */
export function retryAfterMs(field: string | undefined, nowMs: number): number | undefined {
  if (field === undefined) return undefined;
  const text = field.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  // Date.parse takes much that is no date of HTTP, such as `-5`.
  const atMs = /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
