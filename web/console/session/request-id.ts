/** An idempotency key. Not crypto.randomUUID: that is missing on a page without TLS on another host. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `console-${digits}`;
}
