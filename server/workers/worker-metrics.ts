import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { withDeadline } from "../../runtime/deadline.ts";
import type { MetricsPart } from "./messages.ts";

/** A worker as the metrics see it. */
export type Source = {
  /** Unique over all workers there ever were. */
  readonly id: number;
  /** Asks it for its metrics; they come back through `arrived`. */
  readonly ask: (ask: number) => void;
};

/**
 * One metrics page out of those of all workers; which of them a scrape happens to reach makes no difference.
 */
export type GroupMetrics = {
  page(): Promise<string>;
  arrived(id: number, ask: number, part: MetricsPart): void;
  /** A worker has died: what it had counted stays counted, as far as it was told. */
  departed(id: number): void;
};

/**
 * A worker that says nothing for so long is left out of a page but for what it had counted when last asked,
 * in ms.
 */
const PART_DEADLINE_MS = 1_000;

/** `sources` are the workers that serve now. */
export function createGroupMetrics(sources: () => readonly Source[]): GroupMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const workers = new Gauge({ name: "coupon_workers", help: "Workers that serve now.", registers });
  const deaths = new Counter({
    name: "coupon_worker_deaths_total",
    help: "Workers that ended although nobody had asked the service to end.",
    registers,
  });

  /** By worker, what it told last. */
  const last = new Map<number, MetricsPart>();
  let past: MetricsPart[] = [];
  const waiting = new Map<string, (part: MetricsPart) => void>();
  let asks = 0;
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<string> | undefined;

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
    page() {
      // One at a time; whoever comes meanwhile shares the next, which begins after they came.
      next ??= underWay.then(() => {
        next = undefined;
        const gathering = gather();
        underWay = gathering.catch(() => undefined);
        return gathering;
      });
      return next;
    },
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
 * What only rises: without it a page would fall back when a worker crashes, and be taken for a service that
 * began anew.
 */
function counted(part: MetricsPart): MetricsPart {
  return part.filter(({ type }) => String(type) !== "gauge");
}
