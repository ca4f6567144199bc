import { Trouble } from "../../../../bench/trouble.ts";
import type { AlertRound } from "./alert-round.ts";

/** Alerts of the rules file that no round fires, and alerts of rounds that the file does not have. */
export function uncovered(
  shipped: readonly string[],
  rounds: readonly AlertRound[],
): { readonly withoutRound: readonly string[]; readonly unknown: readonly string[] } {
  const fired = new Set(rounds.flatMap(({ alerts }) => alerts));
  const named = new Set(rounds.flatMap(({ alerts, also = [] }) => [...alerts, ...also]));
  return {
    withoutRound: shipped.filter((alert) => !fired.has(alert)),
    unknown: [...named].filter((alert) => !shipped.includes(alert)),
  };
}

/**
 * The rounds of these names, or that fire the alerts of these names; all without a name.
 * @throws Trouble that names what is neither
 */
export function chosenRounds(rounds: readonly AlertRound[], only: readonly string[]): readonly AlertRound[] {
  for (const name of only)
    if (!rounds.some((round) => round.name === name || round.alerts.includes(name)))
      throw new Trouble(`"${name}" is no alert and no round of --alerts: --alerts --list names them`);
  return rounds.filter(
    ({ name, alerts }) =>
      only.length === 0 || only.includes(name) || alerts.some((one) => only.includes(one)),
  );
}
