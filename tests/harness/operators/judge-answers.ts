import { allowedIn, LIFE_CYCLE, type Phase, recordedAs } from "../../../campaign/life-cycle.ts";
import { type Call, describeCall } from "./call.ts";
import { type Change, phaseAt, type Settings } from "./judge-history.ts";

/** The settings after one change, and the time of their validity: until the answer to the next change. */
type While = { readonly settings: Settings; readonly fromMs: number; readonly untilMs: number };

/** How long a step of the service itself may stay invisible after the instant that MongoDB gave it. */
const COMMIT_MS = 500;

/**
 * Whether each answer agrees with the table: at some moment between call and answer the campaign was in a
 * phase that explains the answer. The changes are ascending and themselves correct (see judge-history.ts).
 */
export function judgeAnswers(
  calls: readonly Call[],
  changes: readonly Change[],
  openedAtMs: number | undefined,
): string[] {
  const byRequest = new Map<string, Change>();
  const faults: string[] = [];
  for (const change of changes) {
    if (change.requestId === "") continue;
    if (byRequest.has(change.requestId)) faults.push(`the request ${change.requestId} was carried out twice`);
    byRequest.set(change.requestId, change);
  }
  const told = new Map<string, Call>();
  for (const call of calls) {
    if (call.answer.kind !== "changed" || call.dryRun) continue;
    if (told.has(call.requestId)) faults.push(`told twice that it was changed: ${describeCall(call)}`);
    told.set(call.requestId, call);
  }
  const unsure = new Set(
    calls.filter(({ answer }) => answer.kind === "unknown").map(({ requestId }) => requestId),
  );
  for (const { requestId, revision } of byRequest.values()) {
    if (!told.has(requestId) && !unsure.has(requestId))
      faults.push(`revision ${revision} was made, and nobody was told so`);
  }
  const times = timesOf(changes, told);
  for (const call of calls) {
    const at = {
      call,
      change: byRequest.get(call.requestId),
      during: times.filter(
        ({ fromMs, untilMs }) => fromMs <= call.answered.atMs && untilMs >= call.invoked.atMs,
      ),
      openedAtMs,
    };
    const fault = wrongIn(at);
    if (fault !== undefined) faults.push(`${describeCall(call)}: ${fault}`);
  }
  return faults;
}

function timesOf(changes: readonly Change[], told: ReadonlyMap<string, Call>): While[] {
  return changes.map(({ after, atMs }, i) => {
    const next = changes[i + 1];
    const call = next === undefined ? undefined : told.get(next.requestId);
    const untilMs =
      next === undefined ? Number.POSITIVE_INFINITY : (call?.answered.atMs ?? next.atMs + COMMIT_MS);
    return { settings: after, fromMs: atMs, untilMs };
  });
}

type Judged = {
  readonly call: Call;
  readonly change: Change | undefined;
  readonly during: readonly While[];
  readonly openedAtMs: number | undefined;
};

function wrongIn(judged: Judged): string | undefined {
  const { call, change } = judged;
  const { answer, wish } = call;
  switch (answer.kind) {
    case "changed":
      return call.dryRun ? wrongDryRun(judged) : wrongChange(call, change);
    case "already":
      return wrongAlready(judged);
    case "refused":
      return wrongRefusal(judged, answer);
    case "unknown":
      return `no definite answer to ${wish.verb}: ${answer.message}`;
    default:
      return answer satisfies never;
  }
}

function wrongChange({ wish, answer, invoked, answered }: Call, change: Change | undefined) {
  if (change === undefined) return "there is no such entry in the history";
  const { after, atMs } = change;
  if (change.verb !== wish.verb.replace(/-.*/, "")) return `the history has it as ${change.verb}`;
  if (atMs < invoked.atMs || atMs > answered.atMs) return `the history dates it ${atMs - invoked.atMs} ms on`;
  if (answer.kind === "changed" && after.state !== answer.state) return `the history has ${after.state}`;
  const { verb, ...wanted } = wish;
  if (verb === "add")
    return after.adding === wish.count ? undefined : `the history has ${after.adding} being added`;
  for (const [name, value] of Object.entries(wanted)) {
    if ((after[name as keyof Settings] ?? null) !== value) return `the history has another ${name}`;
  }
  return undefined;
}

function wrongDryRun(judged: Judged) {
  const { verb } = judged.call.wish;
  const explains = (phase: Phase) => !["refused", "already"].includes(LIFE_CYCLE[phase][verb]);
  return phasesOf(judged).some(explains) ? undefined : "no phase that it was in allows that";
}

function wrongAlready(judged: Judged) {
  const { call, change, during } = judged;
  const { wish } = call;
  if (change !== undefined && change.atMs <= call.answered.atMs) return undefined;
  if (phasesOf(judged).some((phase) => LIFE_CYCLE[phase][wish.verb] === "already")) return undefined;
  const { verb: _, ...wanted } = wish;
  const isSo = ({ settings }: While) =>
    Object.entries(wanted).every(([name, value]) => (settings[name as keyof Settings] ?? null) === value);
  return wish.verb !== "add" && Object.keys(wanted).length > 0 && during.some(isSo)
    ? undefined
    : "it was not so";
}

function wrongRefusal(judged: Judged, answer: Extract<Call["answer"], { kind: "refused" }>) {
  const { call, during } = judged;
  const { verb } = call.wish;
  switch (answer.reason) {
    case "NOT_ALLOWED": {
      const explains = (phase: Phase) =>
        recordedAs(phase) === answer.state &&
        LIFE_CYCLE[phase][verb] === "refused" &&
        allowedIn(phase).join() === answer.allowed.join();
      if (phasesOf(judged).some(explains) || endHasPassed(judged, answer)) return undefined;
      return `it could be in ${phasesOf(judged).join(", ")}, and was told ${answer.message}`;
    }
    case "NOT_READY":
      if (verb === "add" && during.some(({ settings }) => settings.adding > 0)) return undefined;
      return "nothing was being added";
    case "INVALID":
      return during.some(({ settings }) => isBadEnd(call, settings)) ? undefined : answer.message;
    default:
      return `refused with ${answer.reason}: ${answer.message}`;
  }
}

/** Whether the addition was refused because the campaign's end has passed, although it has never opened. */
function endHasPassed(
  { call, during }: Judged,
  { state, allowed }: Extract<Call["answer"], { kind: "refused" }>,
) {
  const phase = state === "PAUSED" ? "PAUSED_BEFORE_OPENING" : state;
  if (call.wish.verb !== "add" || (phase !== "GENERATING" && phase !== "PAUSED_BEFORE_OPENING")) return false;
  const others = allowedIn(phase).filter((command) => command !== "add");
  const passed = ({ settings }: While) =>
    settings.state === state && (settings.endsAtMs ?? Number.POSITIVE_INFINITY) <= call.answered.atMs;
  return allowed.join() === others.join() && during.some(passed);
}

/** Whether the end would be before the start after this change, or has passed. */
function isBadEnd({ wish, answered }: Call, settings: Settings): boolean {
  const startsAtMs = wish.verb === "reschedule" ? wish.startsAtMs : settings.startsAtMs;
  const wanted = wish.verb === "reschedule" || wish.verb === "edit-end" ? wish.endsAtMs : undefined;
  const endsAtMs = wanted === undefined ? settings.endsAtMs : (wanted ?? undefined);
  return endsAtMs !== undefined && (endsAtMs <= startsAtMs || endsAtMs <= answered.atMs);
}

/** Every phase in which a caller may have seen the campaign between call and answer. */
function phasesOf({ call, during, openedAtMs }: Judged): Phase[] {
  const { invoked, answered } = call;
  const mayHaveOpened = openedAtMs !== undefined && openedAtMs <= answered.atMs;
  const mayHaveNot = openedAtMs === undefined || openedAtMs >= invoked.atMs;
  const phases = new Set<Phase>();
  for (const { settings } of during) {
    if (mayHaveOpened) phases.add(phaseAt(settings.state, true));
    if (mayHaveNot) phases.add(phaseAt(settings.state, false));
    // The pool ends by itself, and the record follows later.
    if (mayHaveOpened && settings.endsAtMs !== undefined && settings.endsAtMs <= answered.atMs)
      phases.add("ENDED");
  }
  return [...phases];
}
