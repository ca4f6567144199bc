import type { Store } from "../../../../local/store.ts";
import { shippedAlerts } from "../../../deploy/observability/shipped.ts";
import type { Product } from "../ground/product.ts";
import type { AlertRound } from "./alert-round.ts";
import { chosenRounds, uncovered } from "./coverage.ts";
import { type AlertResult, holdRound } from "./hold-round.ts";
import { alertCatalogue } from "./rounds/catalogue.ts";
import { readSetup } from "./watch.ts";

export type AlertRunOptions = {
  readonly product: Product;
  readonly mongodb: Store;
  readonly dir: string;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Names of alerts or rounds; empty: all. */
  readonly only: readonly string[];
};

/** Holds the rounds and prints a line for each; returns the last line's words and whether all is right. */
export async function runAlerts(
  { only, ...options }: AlertRunOptions,
  say: (line: string) => void,
): Promise<{ readonly isRight: boolean; readonly numbers: string }> {
  const shipped = shippedAlerts().map(({ alert }) => alert);
  const { withoutRound, unknown } = uncovered(shipped, alertCatalogue);
  if (withoutRound.length + unknown.length > 0) {
    const lists = { without_round: withoutRound, without_alert: unknown };
    const told = Object.entries(lists).filter(([, names]) => names.length > 0);
    const words = told.map(([what, names]) => `${what}=${names.join(",")}`).join(" ");
    return { isRight: false, numbers: `alerts=${shipped.length} ${words}` };
  }
  const rounds = chosenRounds(alertCatalogue, only);
  const setup = readSetup();
  say(`as shipped but for: ${setup.changes.join(", ")}`);
  const waiting: Promise<AlertResult>[] = [];
  for (const [index, round] of rounds.entries()) {
    const { result } = await holdRound(round, { ...options, setup, index }, say);
    const told = result.then((one) => {
      for (const line of resultLines(one)) say(line);
      return one;
    });
    told.catch(() => undefined);
    waiting.push(told);
    if (round.lingersMs === undefined) await told;
    else say(`     ${round.name}: its fault is over, its alert lingers; the next rounds begin`);
  }
  return sumUp(shipped, rounds, await Promise.all(waiting), options.seed);
}

/** How many alerts fired in each of their rounds, and how many were quiet in a healthy sale. */
function sumUp(
  shipped: readonly string[],
  rounds: readonly AlertRound[],
  results: readonly AlertResult[],
  seed: number,
): { readonly isRight: boolean; readonly numbers: string } {
  const wanted = shipped.filter((alert) => rounds.some(({ alerts }) => alerts.includes(alert)));
  const fired = wanted.filter((alert) =>
    rounds.every(({ alerts }, index) => !alerts.includes(alert) || results[index]?.fired.includes(alert)),
  );
  const healthy = rounds.findIndex(({ isHealthy }) => isHealthy === true);
  const silent = shipped.length - (rounds[healthy]?.alerts.length ?? 0);
  const isHeld = results[healthy]?.broke === undefined;
  const quiet =
    healthy < 0 ? "" : ` quiet=${isHeld ? silent - (results[healthy]?.others.length ?? 0) : 0}/${silent}`;
  const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
  const again = results.reduce((sum, result) => sum + result.again, 0);
  const numbers = `alerts=${wanted.length} fired=${fired.length}${quiet} rounds=${rounds.length} again=${again} seed=${seed}`;
  return {
    isRight: failed.length === 0,
    numbers: failed.length === 0 ? numbers : `${numbers} failed=${failed.join(",")}`,
  };
}

function resultLines(result: AlertResult): string[] {
  const { name, ok, words, troubles, broke, missed, durationMs, logTail } = result;
  const seconds = (durationMs / 1_000).toFixed(0);
  const lines = [`${ok ? "ok  " : "FAIL"} ${name.padEnd(18)} ${words.join("; ")}  ${seconds} s`];
  if (ok) return lines;
  for (const hazard of missed) lines.push(`     the hazard was missed: ${hazard}`);
  for (const trouble of troubles) lines.push(`     ${trouble}`);
  if (broke !== undefined) lines.push(`     could not be carried through: ${broke}`);
  lines.push(`     again: npm run chaos -- --alerts --only ${name}`, "     the processes' last words:");
  for (const line of logTail) lines.push(`     | ${line.slice(0, 400)}`);
  return lines;
}
