import { isDeepStrictEqual } from "node:util";
import { LIFE_CYCLE, type Phase, recordedAs, SYSTEM_STEPS, type Verb } from "../../../campaign/life-cycle.ts";
import type { RecordedState } from "../../../record/documents.ts";

/** One entry of the history, as ListHistory returns it. */
export type Change = {
  readonly revision: number;
  readonly atMs: number;
  /** When the change happened, if it was written down afterwards. */
  readonly happenedAtMs?: number | undefined;
  readonly actor: string;
  readonly verb: string;
  /** Empty: the entry has none. */
  readonly requestId: string;
  readonly before: Settings | undefined;
  readonly after: Settings;
};

export type Settings = {
  readonly state: RecordedState;
  readonly name: string;
  readonly total: number;
  readonly adding: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number | undefined;
};

/**
 * The faults in the history of a campaign, its changes ascending; empty: none. `openedAtMs`: undefined: it
 * never opened.
 */
export function judgeHistory(changes: readonly Change[], openedAtMs: number | undefined): string[] {
  const faults: string[] = [];
  let last: Change | undefined;
  for (const [index, change] of changes.entries()) {
    const name = `revision ${change.revision} (${change.verb} by ${change.actor})`;
    if (change.revision !== index) faults.push(`${name} stands where ${index} should`);
    if (last === undefined) {
      if (change.verb !== "create" || change.before !== undefined) faults.push(`${name} comes first`);
    } else {
      if (change.atMs < last.atMs) faults.push(`${name} is dated before the one before it`);
      if (!isDeepStrictEqual(change.before, last.after))
        faults.push(`${name} began with ${JSON.stringify(change.before)}, not ${JSON.stringify(last.after)}`);
      const step = illegalStep(change, openedAtMs);
      if (step !== undefined) faults.push(`${name} ${step}`);
    }
    last = change;
  }
  return faults;
}

/** The service itself: which of its roles makes the step depends on which is first. */
const OWN_ACTORS: ReadonlySet<string> = new Set(["scheduler", "generator", "server"]);
/** The tolerance between the clocks of the two stores, which run on one machine. */
const CLOCKS_MS = 50;

/** The states in which no more coupons are added. */
const IS_OVER: ReadonlySet<string> = new Set(["ENDED", "CANCELLED"]);

function illegalStep(change: Change, openedAtMs: number | undefined): string | undefined {
  const { before, after, actor, verb, atMs } = change;
  if (before === undefined) return "has nothing before it";
  if (IS_OVER.has(after.state) && after.adding > 0) return `left ${after.adding} coupons being added`;
  const { happenedAtMs } = change;
  if (verb === "open" && happenedAtMs !== openedAtMs)
    return `opened at ${happenedAtMs}, and its campaign at ${openedAtMs}`;
  if (happenedAtMs !== undefined && happenedAtMs > atMs + CLOCKS_MS)
    return `was written down ${happenedAtMs - atMs} ms before it came about`;
  if (OWN_ACTORS.has(actor)) {
    if (verb === "added") return illegalAddition(before, after);
    const legal = SYSTEM_STEPS.some(
      (step) => step.verb === verb && recordedAs(step.from) === before.state && step.to === after.state,
    );
    return legal ? undefined : `led from ${before.state} to ${after.state}`;
  }
  if (before.state !== after.state && NOT_OPENED.has(before.state) && opensBefore(change, openedAtMs))
    return `skipped the opening: it led from ${before.state} to ${after.state}`;
  const phase = phaseAt(before.state, openedAtMs !== undefined && openedAtMs <= atMs);
  for (const step of verbsOf(change)) {
    const to = LIFE_CYCLE[phase][step];
    if (to === "refused" || to === "already") return `did ${step} in ${phase}, which is ${to}`;
    // Where the phase stays, the record stays too, although it may be behind the pool.
    const wanted = to === phase ? before.state : recordedAs(to);
    if (wanted !== after.state) return `did ${step} in ${phase} and led to ${after.state}, not ${wanted}`;
  }
  return undefined;
}

/** The states from which the service opens the campaign by itself. */
const NOT_OPENED: ReadonlySet<string> = new Set(["GENERATING", "SCHEDULED"]);

/** Whether the pool had opened before the change, by more than the two clocks may differ. */
function opensBefore({ atMs }: Change, openedAtMs: number | undefined): boolean {
  return openedAtMs !== undefined && openedAtMs + CLOCKS_MS <= atMs;
}

function illegalAddition(before: Settings, after: Settings): string | undefined {
  const state = before.state === "SOLD_OUT" ? "OPEN" : before.state;
  const wanted = { ...before, state, total: before.total + before.adding, adding: 0 };
  return before.adding > 0 && !IS_OVER.has(before.state) && isDeepStrictEqual(after, wanted)
    ? undefined
    : `led from ${JSON.stringify(before)} to ${JSON.stringify(after)}`;
}

/** The verbs of the table that an entry stands for: an edit can be two verbs. */
function verbsOf({ verb, before, after }: Change): Verb[] {
  if (verb !== "edit") return [verb as Verb];
  const edits: Verb[] = [];
  if (before?.name !== after.name) edits.push("edit-name");
  if (before?.endsAtMs !== after.endsAtMs) edits.push("edit-end");
  return edits;
}

export function phaseAt(state: RecordedState, opened: boolean): Phase {
  if (state === "PAUSED") return opened ? "PAUSED" : "PAUSED_BEFORE_OPENING";
  if (opened && (state === "GENERATING" || state === "SCHEDULED")) return "OPEN";
  return state;
}
