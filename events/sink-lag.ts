import type { SeenSink } from "../record/sinks.ts";

/**
 * How long the oldest event has waited that a sink has not got, in ms; 0: it has got all. Where no process
 * has its lease, events may have happened since it was last heard of: then at most so long. `nowMs`: on
 * MongoDB's clock.
 */
export function sinkLagMs(
  { reported, lease, addedAt }: Pick<SeenSink, "reported" | "lease" | "addedAt">,
  nowMs: number,
): number {
  const { waitingSince } = reported ?? {};
  if (waitingSince !== undefined) return Math.max(0, nowMs - waitingSince.getTime());
  if (lease !== undefined && lease.until.getTime() >= nowMs) return 0;
  return Math.max(0, nowMs - (reported?.at ?? addedAt).getTime());
}
