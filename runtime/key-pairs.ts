/**
 * Pairs `name=value` with commas between them, their values percent-encoded, as OpenTelemetry's settings have
 * them. undefined: the text is malformed.
 */
export function keyPairsIn(text: string): Readonly<Record<string, string>> | undefined {
  const pairs: Record<string, string> = {};
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    const name = part.slice(0, Math.max(0, at)).trim();
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return undefined;
    try {
      pairs[name] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return pairs;
}
