import type { Prometheus } from "../../../support/prometheus.ts";
import type { Expected } from "./alert-round.ts";

/** An alert with one set of labels, and the instants at which it was firing: one for each evaluation. */
export type Firing = {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly atMs: readonly number[];
};

/** When what happened in a round, on the clock of this machine. */
export type Marks = {
  readonly struckAtMs: number;
  readonly endedAtMs: number;
  /** Since then none of the expected alerts may fire any more. */
  readonly resolvedAtMs: number;
};

const FIRING = 'ALERTS{alertstate="firing"}';

/** What Prometheus recorded of its alerts between two instants. */
export async function readFirings(
  prometheus: Pick<Prometheus, "range">,
  fromMs: number,
  toMs: number,
  everyMs: number,
): Promise<readonly Firing[]> {
  const series = await prometheus.range(FIRING, fromMs / 1_000, toMs / 1_000, everyMs / 1_000);
  return series.map(({ metric, values = [] }) => ({
    ...namedOf(metric),
    atMs: values.map(([atS]) => Math.round(atS * 1_000)),
  }));
}

/** The alerts that fire now. */
export async function firingNow(prometheus: Pick<Prometheus, "query">): Promise<readonly Firing[]> {
  const series = await prometheus.query(FIRING);
  return series.map(({ metric, value = [0, ""] }) => ({ ...namedOf(metric), atMs: [value[0] * 1_000] }));
}

function namedOf(metric: Readonly<Record<string, string>>): Omit<Firing, "atMs"> {
  const { alertname = "", __name__: _, alertstate: __, ...labels } = metric;
  return { alert: alertname, labels };
}

export function isOf({ alert, labels }: Pick<Firing, "alert" | "labels">, expected: Expected): boolean {
  return (
    alert === expected.alert &&
    Object.entries(expected.labels ?? {}).every(([name, value]) => labels[name] === value)
  );
}

/** An alert with the labels that tell its series apart, as in a log line. */
export function wordsOf({ alert, labels = {} }: Expected): string {
  const told = Object.entries(labels).filter(([name]) => name !== "severity" && name !== "job");
  return told.length === 0 ? alert : `${alert}{${told.map(([name, value]) => `${name}=${value}`).join(",")}}`;
}

/**
 * What is wrong with the alerts of a round. Each expected one fires during the fault, without a break until
 * the fault ends, not before it and not once it has resolved. No other one fires, but for those of `also`.
 */
export function judgeFirings(
  firings: readonly Firing[],
  expected: readonly Expected[],
  also: readonly string[],
  { struckAtMs, endedAtMs, resolvedAtMs }: Marks,
  everyMs: number,
): readonly string[] {
  const troubles: string[] = [];
  for (const one of expected) {
    const during = firings.filter((firing) => isOf(firing, one) && firing.atMs.some((at) => at > struckAtMs));
    if (during.length === 0) troubles.push(`${wordsOf(one)} did not fire`);
  }
  for (const firing of firings) {
    const words = wordsOf(firing);
    if (!expected.some((one) => isOf(firing, one))) {
      const atS = firing.atMs.map((at) => ((at - struckAtMs) / 1_000).toFixed(0));
      if (!also.includes(firing.alert))
        troubles.push(`${words} fired (${atS[0]} to ${atS.at(-1)} s), which this fault is not about`);
      continue;
    }
    if (firing.atMs.some((at) => at < struckAtMs)) troubles.push(`${words} fired before the fault`);
    if (firing.atMs.some((at) => at > resolvedAtMs))
      troubles.push(`${words} fired again after it had resolved`);
    if (hasBreak(firing.atMs, endedAtMs, everyMs)) troubles.push(`${words} flapped while the fault lasted`);
  }
  return troubles;
}

/** Whether an alert that had fired did not fire at some evaluation before the fault ended. */
function hasBreak(atMs: readonly number[], endedAtMs: number, everyMs: number): boolean {
  const during = [...atMs.filter((at) => at < endedAtMs), endedAtMs];
  // Evaluations and the instants that are asked for are up to one apart.
  return during.some((at, index) => at - (during[index - 1] ?? at) > 2 * everyMs);
}

export function firstMsOf(firings: readonly Firing[], expected: Expected): number | undefined {
  const all = firings.filter((firing) => isOf(firing, expected)).flatMap(({ atMs }) => atMs);
  return all.length === 0 ? undefined : Math.min(...all);
}
