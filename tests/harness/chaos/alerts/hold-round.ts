import { HazardMissed } from "../hazard.ts";
import { watchStalls } from "../stall.ts";
import { untilTelling } from "../tries.ts";
import { actOn, NOTHING, type Outcome } from "./act.ts";
import type { AlertRound } from "./alert-round.ts";
import { type HoldOptions, setUp } from "./set-up.ts";

export type AlertResult = Outcome & {
  readonly name: string;
  readonly ok: boolean;
  /** Why the round could not be carried out. */
  readonly broke: string | undefined;
  /** The hazards that did not happen; if there are any, the round is no evidence. */
  readonly missed: readonly string[];
  readonly durationMs: number;
  readonly logTail: readonly string[];
  /** How many times the round was held again. */
  readonly again: number;
};

/** A round in which the machine stood still for longer is held again where anything is wrong. */
const STALLED_MS = 1_000;

/**
 * Holds a round, and again where it is no evidence. Resolves when the next round may begin, which may be
 * before its own end where an alert lingers; `result` is that of its end.
 */
export async function holdRound(
  round: AlertRound,
  options: HoldOptions,
  say: (line: string) => void,
): Promise<{ readonly result: Promise<AlertResult> }> {
  let isFaultDone = false;
  let goOn: () => void = () => undefined;
  const faultIsDone = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const result = untilTelling(
    async () => {
      const tried = await holdOnce(round, options, () => {
        isFaultDone = true;
        goOn();
      });
      const { stalledMs, ok } = tried;
      // Once other rounds have begun it is not held again: their faults would reach it.
      const isNoEvidence = !ok && !isFaultDone && stalledMs > STALLED_MS;
      const still = isNoEvidence ? [`the machine stood still for ${stalledMs} ms`] : [];
      return { ...tried, missed: [...tried.missed, ...still], judgement: undefined };
    },
    (reason) => say(`again ${round.name}: ${reason}`),
  );
  await Promise.race([faultIsDone, result]);
  return { result };
}

async function holdOnce(
  round: AlertRound,
  options: HoldOptions,
  faultDone: () => void,
): Promise<Omit<AlertResult, "again"> & { readonly stalledMs: number }> {
  const { mongodb, signal } = options;
  const stalls = watchStalls();
  const began = performance.now();
  const stage = setUp(round, options);
  let outcome = NOTHING;
  let broke: string | undefined;
  let missed: readonly string[] = [];
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const act = async () => {
    const { run, watch } = await stage.start();
    const shown = await actOn(round, run, watch, () => {
      stalls.end();
      faultDone();
    });
    missed = run.sale.evidence.filter(({ ok }) => !ok).map(({ what, value }) => `${what}=${value}`);
    return shown;
  };
  try {
    outcome = await Promise.race([act(), aborted]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HazardMissed) missed = [error.message];
    else broke = error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    stalls.end();
    if (round.lingersMs === undefined) mongodb.resume();
    await stage.close();
  }
  return {
    ...{ ...outcome, name: round.name, broke, missed, stalledMs: Math.round(stalls.worstMs) },
    ok: outcome.troubles.length === 0 && broke === undefined && missed.length === 0,
    durationMs: performance.now() - began,
    logTail: stage.logTail(),
  };
}
