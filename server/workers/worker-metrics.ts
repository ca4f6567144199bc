import { AggregatorRegistry } from "prom-client";
import { systemClock } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { createPaced } from "../../runtime/paced.ts";
import { createPrimaryMetrics } from "../../runtime/primary-metrics.ts";
import type { MetricsPart } from "./messages.ts";

/** A worker as a source of metrics. */
export type Source = {
  /** Unique among all workers, those that have ended included. */
  readonly id: number;
  /** Asks it for its metrics; they come back through `arrived`. */
  readonly ask: (ask: number) => void;
};

/**
 * Makes one metrics page from those of all workers: it does not matter which of them a scrape reaches.
 */
export type GroupMetrics = {
  page(): Promise<string>;
  arrived(id: number, ask: number, part: MetricsPart): void;
  /** A worker has crashed: the counts that it sent last stay in the sums. */
  departed(id: number): void;
};

/**
 * In ms: for a worker that sends no metrics for so long, a page uses the counts that it sent last and leaves
 * the rest out.
 */
const PART_DEADLINE_MS = 1_000;

/** `sources` are the workers that serve now. */
export function createGroupMetrics(sources: () => readonly Source[]): GroupMetrics {
  const { registry, workers, deaths } = createPrimaryMetrics();

  /** By worker: the metrics that it sent last. */
  const last = new Map<number, MetricsPart>();
  let past: MetricsPart[] = [];
  const waiting = new Map<string, (part: MetricsPart) => void>();
  let asks = 0;

  function ask(source: Source, number: number): Promise<MetricsPart> {
    const key = keyOf(source.id, number);
    const answer = new Promise<MetricsPart>((resolve) => {
      waiting.set(key, resolve);
      source.ask(number);
    });
    return withDeadline(answer, PART_DEADLINE_MS, "a worker's metrics")
      .catch(() => counted(last.get(source.id) ?? []))
      .finally(() => waiting.delete(key));
  }

  async function gather(): Promise<string> {
    asks += 1;
    const number = asks;
    const asked = sources();
    workers.set(asked.length);
    const parts = await Promise.all(asked.map((source) => ask(source, number)));
    const own = (await registry.getMetricsAsJSON()).filter(({ name }) => !name.startsWith("nodejs_"));
    const gone = past.splice(0);
    const page = await AggregatorRegistry.aggregate([own, ...gone, ...parts]).metrics();
    if (gone.length > 0) past.push(await AggregatorRegistry.aggregate([...gone]).getMetricsAsJSON());
    return page;
  }

  return {
    // Each worker paces the pages that it asks for.
    page: createPaced(gather, 0, systemClock),
    arrived(id, number, part) {
      last.set(id, part);
      waiting.get(keyOf(id, number))?.(part);
    },
    departed(id) {
      deaths.inc();
      const part = last.get(id);
      last.delete(id);
      if (part !== undefined) past = [...past, counted(part)];
      for (const [key, resolve] of waiting) if (key.startsWith(`${id} `)) resolve([]);
    },
  };
}

function keyOf(id: number, ask: number): string {
  return `${id} ${ask}`;
}

/**
 * The metrics that only rise: without those of crashed workers the sums would fall, and a monitoring system
 * would take that for a restart of the service.
 */
function counted(part: MetricsPart): MetricsPart {
  return part.filter(({ type }) => String(type) !== "gauge");
}
