import type { Config } from "./config.ts";
import { OPERATOR_KEY_LENGTH_MIN } from "./operator-settings.ts";
import { weakerOptions } from "./weaker-options.ts";

/**
 * Settings that are allowed but contradict each other, or that the service does not follow, which is hardly
 * intended: one sentence for each.
 */
export function settingWarnings(config: Config): string[] {
  const { ISSUE_DEADLINE_MS, STORE_DEADLINE_MS, COMMIT_DEADLINE_MS, COMMIT_STALL_MS, DRAIN_DEADLINE_MS } =
    config;
  const warnings: string[] = [];
  const atLeast = (name: string, value: number, least: number, of: string, otherwise: string) => {
    if (value < least) warnings.push(`${name} is ${value}, less than ${of} (${least}): ${otherwise}`);
  };
  const early = "callers are answered UNCERTAIN while their claim may still succeed";
  atLeast("ISSUE_DEADLINE_MS", ISSUE_DEADLINE_MS, STORE_DEADLINE_MS, "STORE_DEADLINE_MS", early);
  atLeast("ISSUE_DEADLINE_MS", ISSUE_DEADLINE_MS, COMMIT_DEADLINE_MS, "COMMIT_DEADLINE_MS", early);
  atLeast(
    ...(["COMMIT_DEADLINE_MS", COMMIT_DEADLINE_MS, COMMIT_STALL_MS, "COMMIT_STALL_MS"] as const),
    "an insert is given up before it counts as stalled",
  );
  atLeast(
    ...(["DRAIN_DEADLINE_MS", DRAIN_DEADLINE_MS, 2 * ISSUE_DEADLINE_MS, "twice ISSUE_DEADLINE_MS"] as const),
    "a stop may cut requests that are in flight",
  );
  const weaker = weakerOptions(config.MONGODB_URL);
  if (weaker.length > 0)
    warnings.push(
      `MONGODB_URL has ${weaker.join(", ")}: the service does not follow it; it writes with w=majority, journal=true and COMMIT_DEADLINE_MS, and reads with readConcernLevel=majority and readPreference=primary`,
    );
  if (config.OPERATOR_TOKEN !== undefined && config.OPERATOR_TOKEN.length < OPERATOR_KEY_LENGTH_MIN)
    warnings.push(
      `OPERATOR_TOKEN has fewer than ${OPERATOR_KEY_LENGTH_MIN} characters and may be guessed: while wrong credentials come from the address of its caller, the right one is refused, too`,
    );
  return warnings;
}
