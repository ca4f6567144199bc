/** The median of the values: the middle one, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper;
}

/** How much of the base the values are, round by round: the median, and the least and the most. */
export function ratioText(values: readonly number[], base: readonly number[], name: string): string {
  const ratios = values.map((value, round) => value / (base[round] ?? Number.NaN));
  return `${median(ratios).toFixed(3)} of ${name} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}

/**
 * Runs the variants in turn, A B C A B C …, so that the machine's other work affects all of them alike.
 * Returns the results by name, in order.
 */
export async function interleaved<T>(
  rounds: number,
  variants: Readonly<Record<string, (round: number) => Promise<T>>>,
): Promise<Record<string, T[]>> {
  const results: Record<string, T[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(variants)) {
      const earlier = results[name] ?? [];
      earlier.push(await run(round));
      results[name] = earlier;
    }
  }
  return results;
}

/** A B C, then C B A, and so on: what the machine does meanwhile, and who comes first, affects all alike. */
export async function backAndForth<T>(
  rounds: number,
  names: readonly string[],
  run: (name: string) => Promise<T>,
): Promise<Record<string, T[]>> {
  const results: Record<string, T[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name]?.push(await run(name));
  return results;
}
