import type { HistoryVerb, RecordedState } from "../record/documents.ts";

/**
 * The phases by which a change is judged: the recorded state, and of a paused campaign whether it had opened.
 * The state of the pool counts as well: the pool opens and ends at the instant, MongoDB follows within a
 * tick.
 */
export const PHASES = [
  "GENERATING",
  "SCHEDULED",
  "OPEN",
  "PAUSED_BEFORE_OPENING",
  "PAUSED",
  "SOLD_OUT",
  "ENDED",
  "CANCELLED",
] as const;
export type Phase = (typeof PHASES)[number];

/** What an operator may ask for. `edit-end` and `edit-name` are one command, `edit`. */
export const VERBS = [
  "pause",
  "resume",
  "reschedule",
  "add",
  "end",
  "cancel",
  "edit-end",
  "edit-name",
] as const;
export type Verb = (typeof VERBS)[number];

/** The phase that follows; `already`: the change has no effect; `refused`: the phase does not allow it. */
export type Step = Phase | "already" | "refused";

/**
 * What each verb does to a campaign in each phase. This is the only table of it: all other code that judges a
 * change reads it.
 */
export const LIFE_CYCLE: Readonly<Record<Phase, Readonly<Record<Verb, Step>>>> = {
  GENERATING: {
    pause: "refused",
    resume: "refused",
    reschedule: "GENERATING",
    add: "GENERATING",
    end: "refused",
    cancel: "CANCELLED",
    "edit-end": "GENERATING",
    "edit-name": "GENERATING",
  },
  SCHEDULED: {
    pause: "PAUSED_BEFORE_OPENING",
    resume: "already",
    reschedule: "SCHEDULED",
    add: "SCHEDULED",
    end: "refused",
    cancel: "CANCELLED",
    "edit-end": "SCHEDULED",
    "edit-name": "SCHEDULED",
  },
  OPEN: {
    pause: "PAUSED",
    resume: "already",
    reschedule: "refused",
    add: "OPEN",
    end: "ENDED",
    cancel: "CANCELLED",
    "edit-end": "OPEN",
    "edit-name": "OPEN",
  },
  PAUSED_BEFORE_OPENING: {
    pause: "already",
    resume: "SCHEDULED",
    reschedule: "PAUSED_BEFORE_OPENING",
    add: "PAUSED_BEFORE_OPENING",
    end: "refused",
    cancel: "CANCELLED",
    "edit-end": "PAUSED_BEFORE_OPENING",
    "edit-name": "PAUSED_BEFORE_OPENING",
  },
  PAUSED: {
    pause: "already",
    resume: "OPEN",
    reschedule: "refused",
    add: "PAUSED",
    end: "ENDED",
    cancel: "CANCELLED",
    "edit-end": "PAUSED",
    "edit-name": "PAUSED",
  },
  // Added coupons open it again once their codes are made (see SYSTEM_STEPS).
  SOLD_OUT: {
    pause: "refused",
    resume: "already",
    reschedule: "refused",
    add: "SOLD_OUT",
    end: "ENDED",
    cancel: "CANCELLED",
    "edit-end": "SOLD_OUT",
    "edit-name": "SOLD_OUT",
  },
  ENDED: {
    pause: "refused",
    resume: "refused",
    reschedule: "refused",
    add: "refused",
    end: "already",
    cancel: "refused",
    "edit-end": "refused",
    "edit-name": "ENDED",
  },
  CANCELLED: {
    pause: "refused",
    resume: "refused",
    reschedule: "refused",
    add: "refused",
    end: "refused",
    cancel: "already",
    "edit-end": "refused",
    "edit-name": "CANCELLED",
  },
};

/** A step that no operator makes, and its verb in the history. */
export type SystemStep = {
  readonly from: Phase;
  readonly to: Phase;
  readonly verb: HistoryVerb;
  readonly when: string;
};

/** The steps that generator and scheduler make without an operator, and record by the same rule. */
export const SYSTEM_STEPS: readonly SystemStep[] = [
  { from: "GENERATING", to: "SCHEDULED", verb: "schedule", when: "all codes are in the pool" },
  { from: "SCHEDULED", to: "OPEN", verb: "open", when: "the start has come" },
  { from: "OPEN", to: "SOLD_OUT", verb: "sell-out", when: "every coupon has its durable issuance" },
  { from: "SOLD_OUT", to: "OPEN", verb: "added", when: "added codes are made" },
  { from: "OPEN", to: "ENDED", verb: "end", when: "the end has come" },
  { from: "PAUSED", to: "ENDED", verb: "end", when: "the end has come" },
  { from: "SOLD_OUT", to: "ENDED", verb: "end", when: "the end has come" },
];

/**
 * For a campaign whose pool has opened: the steps up to OPEN that MongoDB does not have yet.
 */
export function stepsToOpen(state: RecordedState): readonly SystemStep[] {
  const first = SYSTEM_STEPS.findIndex(({ from }) => from === state);
  const last = SYSTEM_STEPS.findIndex(({ to }) => to === "OPEN");
  return first === -1 ? [] : SYSTEM_STEPS.slice(first, last + 1);
}

/**
 * What the pool holds of a campaign's phase: its state (empty: there is no pool) and whether it has ever
 * opened.
 */
export type PoolFacts = {
  readonly state: "staged" | "open" | "paused" | "ended" | "cancelled" | "";
  readonly opened: boolean;
};

/** MongoDB holds what operators decided; the pool shows whether the start or the end has come since. */
export function phaseOf(state: RecordedState, openedAt: Date | undefined, pool: PoolFacts): Phase {
  if (state === "ENDED" || state === "CANCELLED") return state;
  const opened = openedAt !== undefined || pool.opened;
  if (pool.state === "ended") return "ENDED";
  if (state === "PAUSED") return opened ? "PAUSED" : "PAUSED_BEFORE_OPENING";
  if (state === "SOLD_OUT") return "SOLD_OUT";
  if (opened) return "OPEN";
  return state;
}

/** The state that MongoDB records for a phase. */
export function recordedAs(phase: Phase): RecordedState {
  return phase === "PAUSED_BEFORE_OPENING" ? "PAUSED" : phase;
}

/** The commands allowed in this phase, as operators name them; those without effect are left out. */
export function allowedIn(phase: Phase): string[] {
  const open = VERBS.filter((verb) => !["refused", "already"].includes(LIFE_CYCLE[phase][verb]));
  return [...new Set(open.map(commandOf))];
}

/** The same as words for a person; where only a part of a command is allowed, the words name that part. */
export function allowedWords(phase: Phase, allowed: readonly string[]): string {
  const isNameAlone = LIFE_CYCLE[phase]["edit-end"] === "refused";
  const words = allowed.map((command) =>
    command === "edit" && isNameAlone ? "edit of the name alone" : command,
  );
  return words.length === 0 ? "nothing" : words.join(", ");
}

/** The command that a verb belongs to. */
export function commandOf(verb: Verb): string {
  return verb === "edit-end" || verb === "edit-name" ? "edit" : verb;
}
