/**
 * The sum over all series of a metric of one server whose labels include the given text; undefined: the
 * server did not answer.
 */
export async function metricOf(url: string, name: string, label: string): Promise<number | undefined> {
  try {
    const response = await fetch(new URL("/metrics", url), { signal: AbortSignal.timeout(2_000) });
    let sum = 0;
    for (const line of (await response.text()).split("\n")) {
      const series = line.slice(0, line.lastIndexOf(" "));
      if (series !== name && !series.startsWith(`${name}{`)) continue;
      if (series.includes(label)) sum += Number(line.slice(series.length + 1));
    }
    return sum;
  } catch {
    return undefined;
  }
}
