import type { HistoryDoc, RecordedState } from "../../record/documents.ts";
import type { PreflightDoc } from "../../record/preflight-documents.ts";
import type { SeenProcess } from "../../record/processes.ts";

/** A snapshot that an onlooker took. */
export type Sight = {
  readonly atMs: number;
  /** False: MongoDB did not answer, and the campaign is the one that was read before. */
  readonly mongodb: boolean;
  /** As the pool has it; the record may trail it by a tick. */
  readonly state: RecordedState;
  /** The recorded state after all changes sent so far; undefined: MongoDB has not answered yet. */
  readonly recorded: RecordedState | undefined;
  readonly startsAtMs: number;
  /** undefined: Redis does not answer. */
  readonly pool: { readonly status: string; readonly generation: number } | undefined;
  /** undefined: MongoDB has not answered. */
  readonly processes: readonly SeenProcess[] | undefined;
  /** The last preflights, newest first, finished or not. */
  readonly preflights: readonly PreflightDoc[];
  /** Changes of the campaign that were not sent yet, oldest first. */
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
  /** The revision of the history entry that the event reports; absent: it reports none. */
  readonly revision?: number;
  /** For a change of state: the states before and after it. */
  readonly states?: { readonly from: RecordedState; readonly to: RecordedState };
};
