/** The metrics page of a service as `name{labels}` → value. */
export async function readMetrics(url: string): Promise<Map<string, number>> {
  const response = await fetch(new URL("/metrics", url));
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  const values = new Map<string, number>();
  for (const line of (await response.text()).split("\n")) {
    const end = line.lastIndexOf(" ");
    if (line !== "" && !line.startsWith("#")) values.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return values;
}

/**
 * The sum over all series of a metric whose labels include the given one (`outcome="loaded"`); 0 when there
 * is none.
 */
export async function metric(url: string, name: string, label = ""): Promise<number> {
  let sum = 0;
  for (const [series, value] of await readMetrics(url)) {
    if ((series === name || series.startsWith(`${name}{`)) && series.includes(label)) sum += value;
  }
  return sum;
}
