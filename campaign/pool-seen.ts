import type { Freeze, Inspection } from "../pool/answers.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { CampaignFields, StepBefore } from "../record/steps.ts";
import type { Change } from "./judge-change.ts";
import { recordedAs, stepsToOpen } from "./life-cycle.ts";

/**
 * The steps that the campaign made by itself before this change, where no scheduler has recorded them yet:
 * the history lists the opening before the change of state.
 */
export function stepsBeforeOf(
  { state, openedAt }: CampaignDoc,
  fields: CampaignFields,
  { armedAtMs }: PoolSeen,
): StepBefore[] {
  if (fields.state === undefined || armedAtMs === 0) return [];
  return stepsToOpen(state).map(({ to, verb }) => ({
    ...{ verb, to: recordedAs(to) },
    ...(to === "OPEN" ? { happenedAt: openedAt ?? new Date(armedAtMs) } : {}),
  }));
}

/** Whether the pool must follow this change. Added coupons reach it by a top-up; it has no name. */
export function followsInPool(change: Change): boolean {
  return !(change.verb === "add" || (change.verb === "edit" && change.endsAtMs === undefined));
}

/** The pool as far as a judgement needs it. */
export type PoolSeen = Pick<Inspection, "state" | "armedAtMs" | "redisNowMs">;

export function seenOf(pool: Inspection | Freeze | undefined): PoolSeen {
  const answers =
    pool !== undefined &&
    ("kind" in pool ? pool.kind === "frozen" : pool.status === "ok" || pool.status === "frozen");
  if (!answers || !("state" in pool)) return { state: "", armedAtMs: 0, redisNowMs: 0 };
  const { state, armedAtMs, redisNowMs } = pool;
  return { state, armedAtMs, redisNowMs };
}
