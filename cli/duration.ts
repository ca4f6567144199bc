const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** "1 d 2 h", "5 min 3.25 s", "0 s": the parts that are not zero, to the millisecond. */
export function durationText(ms: number): string {
  const parts: string[] = [];
  let left = Math.max(0, Math.round(ms));
  for (const [unit, unitMs] of units) {
    const count = Math.floor(left / unitMs);
    if (count > 0) parts.push(`${count} ${unit}`);
    left -= count * unitMs;
  }
  if (left > 0 || parts.length === 0) parts.push(`${left / 1_000} s`);
  return parts.join(" ");
}
