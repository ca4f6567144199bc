import { parse } from "yaml";

/** The intervals of `deploy/prometheus.yml`, as Prometheus writes durations. */
export type Intervals = { readonly scrapeInterval: string; readonly evaluationInterval: string };

export type Shortened<T> = {
  readonly shortened: T;
  /** What was replaced by what, each once: `for 15s → 3s`. */
  readonly changes: readonly string[];
};

/** Prometheus evaluates once a minute where its configuration says nothing else. */
const EVALUATION_DEFAULT = "1m";
const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d+)(ms|s|m|h)$/;
/** A line that says for how long an alert's expression must hold, without its indentation. */
const FOR_LINE = /^(?<before> +for: )(?<duration>\S+)$/gm;

/** @throws where it is no duration of one unit */
export function msOf(duration: string): number {
  const [, number, unit] = DURATION.exec(duration) ?? [];
  if (number === undefined || unit === undefined) throw new Error(`no duration: ${duration}`);
  return Number(number) * MS[unit as keyof typeof MS];
}

function durationOf(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${Math.round(ms)}ms`;
}

const shorten = (duration: string, by: number) => durationOf(msOf(duration) / by);

/**
 * The text of a rules file in which each `for` is shorter by a factor. All else stays as it is, byte for
 * byte: an expression with its windows and thresholds is what operators have.
 */
export function shortenRules(text: string, by: number): Shortened<string> {
  const changes = new Set<string>();
  const shortened = text.replace(FOR_LINE, (_, before: string, duration: string) => {
    const shorter = shorten(duration, by);
    if (shorter !== duration) changes.add(`for ${duration} → ${shorter}`);
    return `${before}${shorter}`;
  });
  return { shortened, changes: [...changes].sort(byDuration) };
}

/** The intervals of a Prometheus' configuration, shorter by a factor. */
export function shortenIntervals(configuration: string, by: number): Shortened<Intervals> {
  const { global } = parse(configuration) as { global: Record<string, string | undefined> };
  const { scrape_interval: scrape = "1m", evaluation_interval: evaluation = EVALUATION_DEFAULT } = global;
  const shortened = { scrapeInterval: shorten(scrape, by), evaluationInterval: shorten(evaluation, by) };
  return {
    shortened,
    changes: [
      `scrape_interval ${scrape} → ${shortened.scrapeInterval}`,
      `evaluation_interval ${evaluation} → ${shortened.evaluationInterval}`,
    ],
  };
}

function byDuration(a: string, b: string): number {
  const first = (change: string) => msOf(change.split(" ")[1] ?? "0s");
  return first(a) - first(b);
}
