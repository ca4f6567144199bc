const INSTANT = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g;

/** Instants that the service wrote in UTC, followed by the same on another clock. */
export function withInstants(text: string, shown: (epochMs: number) => string): string {
  return text.replace(INSTANT, (instant) => {
    const epochMs = Date.parse(instant);
    return Number.isNaN(epochMs) ? instant : `${instant} (${shown(epochMs)})`;
  });
}
