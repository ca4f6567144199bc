import { until } from "../../../../local/poll.ts";
import type { SaleRun } from "../sale.ts";
import type { AlertRound, Expected, Stage } from "./alert-round.ts";
import { openCallers } from "./callers.ts";
import { type Firing, firingNow, firstMsOf, isOf, judgeFirings, readFirings, wordsOf } from "./firings.ts";
import type { Watch } from "./watch.ts";

/** What a round showed of its alerts. */
export type Outcome = {
  /** The alerts that fired as they should, each once; none where anything is wrong. */
  readonly fired: readonly string[];
  /** Other alerts that fired, each once. */
  readonly others: readonly string[];
  /** Which alert fired and resolved after how long, for a person. */
  readonly words: readonly string[];
  readonly troubles: readonly string[];
};

export const NOTHING: Outcome = { fired: [], others: [], words: [], troubles: [] };

/** Bounds against hanging, also on a machine that is busy with other work. */
const FIRES_WITHIN_MS = 180_000;
const RESOLVES_WITHIN_MS = 120_000;
/** For so many evaluations an alert must fire on, and stay resolved. */
const HOLDS = 3;
const POLL_MS = 100;

function stageOf({ sale }: SaleRun): Stage {
  const [first, second, scheduler, generator, events] = sale.ground.servers;
  if (first === undefined || second === undefined || scheduler === undefined || generator === undefined)
    throw new Error("the ground lacks a process");
  const servers = [first, second];
  return { sale, servers, scheduler, generator, events, callers: openCallers(sale.campaignId, servers) };
}

/**
 * Lets the fault strike, waits until its alerts fire, ends it, and waits until they have resolved.
 * `faultDone` is called once a fault is over whose alert lingers.
 */
export async function actOn(
  round: AlertRound,
  run: SaleRun,
  watch: Watch,
  faultDone: () => void,
): Promise<Outcome> {
  const { also = [], lingersMs = 0, callersAfter = false } = round;
  const { prometheus, everyMs } = watch;
  const stage = stageOf(run);
  const { servers } = stage.sale.ground;
  const fromMs = Date.now();
  try {
    await round.before?.(stage);
    await watch.evaluated(HOLDS);
    const early = await firingNow(prometheus);
    if (early.length > 0)
      return { ...NOTHING, troubles: early.map((one) => `${wordsOf(one)} fires before the fault`) };

    const struckAtMs = Date.now();
    const { fires, end } = await round.strike(stage);
    const areFiring = async (how: "some" | "every") => {
      const now = await firingNow(prometheus);
      return fires[how]((one) => now.some((firing) => isOf(firing, one)));
    };
    const haveFired = await until(() => areFiring("every"), FIRES_WITHIN_MS, POLL_MS);
    if (haveFired) await watch.evaluated(HOLDS);
    const endedAtMs = Date.now();
    await end();
    const leave = callersAfter ? stage.callers.keepAsking() : undefined;
    if (lingersMs > 0) {
      await run.close();
      await Promise.all(servers.slice(1).map((server) => server.kill()));
      faultDone();
    }
    const haveResolved =
      haveFired &&
      (await until(async () => !(await areFiring("some")), lingersMs + RESOLVES_WITHIN_MS, POLL_MS));
    const resolvedAtMs = Date.now();
    await leave?.();
    if (haveResolved) await watch.evaluated(HOLDS);
    const firings = (await readFirings(prometheus, fromMs, Date.now(), everyMs)).filter(
      // While an alert lingers, faults of the rounds that follow reach its processes.
      (firing) => lingersMs === 0 || isExpected(firing, fires) || (firing.atMs[0] ?? 0) < endedAtMs,
    );
    // The instants that are asked for are up to one evaluation after those of the evaluations.
    const marks = { struckAtMs, endedAtMs, resolvedAtMs: resolvedAtMs + everyMs };
    const troubles = [
      ...judgeFirings(firings, fires, also, marks, everyMs),
      ...(haveFired && !haveResolved ? [`${fires.map(wordsOf).join(", ")} did not resolve`] : []),
    ];
    const named = fires.filter((one) => firstMsOf(firings, one) !== undefined);
    const others = new Set(firings.filter((one) => !isExpected(one, fires)).map(({ alert }) => alert));
    return {
      fired: troubles.length === 0 ? [...new Set(named.map(({ alert }) => alert))] : [],
      others: [...others],
      words: [
        ...named.map(
          (one) => `${wordsOf(one)} after ${secondsOf((firstMsOf(firings, one) ?? 0) - struckAtMs)}`,
        ),
        ...(haveResolved ? [`resolved after ${secondsOf(resolvedAtMs - endedAtMs)}`] : []),
        ...(others.size > 0 ? [`also ${[...others].join(", ")}`] : []),
      ],
      troubles,
    };
  } finally {
    stage.callers.close();
  }
}

const isExpected = (firing: Firing, fires: readonly Expected[]) => fires.some((one) => isOf(firing, one));

function secondsOf(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
