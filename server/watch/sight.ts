import type { HistoryDoc } from "../../record/history.ts";
import type { PreflightDoc } from "../../record/preflights.ts";
import type { SeenProcess } from "../../record/processes.ts";

/** What an onlooker saw at one moment. */
export type Sight = {
  readonly atMs: number;
  /** False: MongoDB did not answer, and the rest is what was seen before. */
  readonly mongodb: boolean;
  readonly state: string;
  readonly startsAtMs: number;
  /** undefined: Redis does not answer. */
  readonly pool: { readonly status: string; readonly generation: number } | undefined;
  /** undefined: MongoDB did not say. */
  readonly processes: readonly SeenProcess[] | undefined;
  /** The last ones, newest first, finished or not. */
  readonly preflights: readonly PreflightDoc[];
  /** Changes of the campaign that were not told yet, oldest first. */
  readonly changes: readonly HistoryDoc[];
};

export type EventLevel = "info" | "warning" | "alarm";
export const EVENT_KINDS = [
  "state",
  "change",
  "pool",
  "redis",
  "mongodb",
  "process",
  "scheduler",
  "alarm",
  "preflight",
] as const;
export type WatchEvent = {
  readonly atMs: number;
  readonly level: EventLevel;
  readonly kind: (typeof EVENT_KINDS)[number];
  readonly text: string;
};
