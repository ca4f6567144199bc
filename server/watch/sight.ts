import type { HistoryDoc, PreflightDoc, RecordedState } from "../../record/documents.ts";
import type { SeenProcess } from "../../record/processes.ts";

/** What an onlooker saw at one moment. */
export type Sight = {
  readonly atMs: number;
  /** False: MongoDB did not answer, and the rest is what was seen before. */
  readonly mongodb: boolean;
  /** As the pool has it; the record may trail it by a tick. */
  readonly state: RecordedState;
  /** As the record had it after all changes that are told; undefined: MongoDB did not say yet. */
  readonly recorded: RecordedState | undefined;
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
  /** The revision of the entry of the history that it tells. */
  readonly revision?: number;
  /** Of a new state: the one before, and it. */
  readonly states?: { readonly from: RecordedState; readonly to: RecordedState };
};
