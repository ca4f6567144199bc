import { BUSIEST_MAX } from "../../claims/tally.ts";
import type { CampaignCounts } from "../../record/documents.ts";
import type { SeenProcess } from "../../record/processes.ts";
import { latencyQuantile } from "../../runtime/latency-histogram.ts";

export type OutcomeTraffic = { readonly outcome: string; readonly perSecond: number; readonly total: number };

/** The answers that callers of one campaign get from all servers together. */
export type Traffic = {
  readonly answersPerSecond: number;
  readonly outcomes: readonly OutcomeTraffic[];
  /** undefined: nothing was answered. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
};

/** Makes rates and quantiles of counts that only rise: keeps the last few readings of each process. */
export type TrafficWindow = {
  /** Takes in the last heartbeats; one that was read before changes nothing. */
  read(processes: readonly SeenProcess[]): void;
  now(): Traffic;
};

/** Readings kept of a process: one a second, so quantiles are of about five seconds. */
const READINGS_MAX = 6;
/** A process whose last heartbeat is this old is taken to answer no callers. */
const SILENT_AFTER_MS = 3_000;

type Reading = { readonly atMs: number; readonly counts: CampaignCounts | undefined };
type Readings = { ageMs: number; readonly kept: Reading[] };

const NOTHING: CampaignCounts = { campaignId: "", outcomes: {}, latency: [] };

export function createTrafficWindow(campaignId: string): TrafficWindow {
  let byProcess = new Map<string, Readings>();

  /** The counts of a process; undefined: its heartbeat left them out, because other campaigns were busier. */
  function countsOf({ campaigns }: SeenProcess): CampaignCounts | undefined {
    const counts = campaigns.find((one) => one.campaignId === campaignId);
    return counts ?? (campaigns.length < BUSIEST_MAX ? NOTHING : undefined);
  }

  return {
    read(processes) {
      const heard = new Map<string, Readings>();
      for (const process of processes) {
        const readings = byProcess.get(process._id) ?? { ageMs: 0, kept: [] };
        const atMs = process.seenAt.getTime();
        readings.ageMs = process.ageMs;
        if (readings.kept.at(-1)?.atMs !== atMs) readings.kept.push({ atMs, counts: countsOf(process) });
        if (readings.kept.length > READINGS_MAX) readings.kept.shift();
        heard.set(process._id, readings);
      }
      byProcess = heard;
    },

    now() {
      const rates = new Map<string, number>();
      const totals = new Map<string, number>();
      const latency: number[] = [];
      for (const { ageMs, kept } of byProcess.values()) {
        const last = kept.at(-1);
        for (const [outcome, total] of Object.entries(last?.counts?.outcomes ?? {}))
          add(totals, outcome, total);
        if (last?.counts === undefined || ageMs >= SILENT_AFTER_MS) continue;
        addRates(rates, kept.at(-2), last);
        const first = kept.find(({ counts }) => counts !== undefined);
        last.counts.latency.forEach((count, bucket) => {
          const since = count - (first?.counts?.latency[bucket] ?? 0);
          latency[bucket] = (latency[bucket] ?? 0) + Math.max(0, since);
        });
      }
      const outcomes = [...totals]
        .map(([outcome, total]) => ({ outcome, perSecond: rates.get(outcome) ?? 0, total }))
        .sort((a, b) => b.perSecond - a.perSecond || a.outcome.localeCompare(b.outcome));
      return {
        answersPerSecond: outcomes.reduce((sum, { perSecond }) => sum + perSecond, 0),
        outcomes,
        p50Ms: latencyQuantile(latency, 0.5),
        p99Ms: latencyQuantile(latency, 0.99),
      };
    },
  };
}

function addRates(rates: Map<string, number>, before: Reading | undefined, last: Reading): void {
  if (before?.counts === undefined || last.counts === undefined) return;
  const seconds = (last.atMs - before.atMs) / 1_000;
  if (seconds <= 0) return;
  for (const [outcome, total] of Object.entries(last.counts.outcomes)) {
    const since = total - (before.counts.outcomes[outcome] ?? 0);
    add(rates, outcome, Math.max(0, since) / seconds);
  }
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}
