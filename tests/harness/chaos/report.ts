import type { RedisForm } from "./ground/redis-form.ts";
import type { RoundResult } from "./run-round.ts";

export function evidenceWords({ evidence }: RoundResult): string {
  return evidence.map(({ what, value }) => `${what}=${value}`).join(" ");
}

/** One line about a round, and more if it failed. */
export function resultLines(result: RoundResult, form: RedisForm, seed: number): string[] {
  const { name, ok, requests, unknown, durationMs, longestGapMs, judgement, broke, missed, logTail } = result;
  const seconds = (durationMs / 1_000).toFixed(1);
  const numbers = `requests=${requests} unknown_answers=${unknown} longest_gap_ms=${longestGapMs} ${seconds} s`;
  const lines = [`${ok ? "ok  " : "FAIL"} ${name.padEnd(38)} ${evidenceWords(result)}  ${numbers}`];
  if (ok) return lines;
  for (const verdict of judgement?.verdicts ?? []) {
    if (verdict.ok) continue;
    lines.push(`     ${verdict.invariant} violated ${verdict.count} times (${verdict.detail})`);
    for (const { words } of verdict.offenders) lines.push(`       - ${words}`);
  }
  for (const hazard of missed) lines.push(`     the hazard was missed: ${hazard}`);
  for (const trouble of judgement?.troubles ?? []) lines.push(`     ${trouble}`);
  if (broke !== undefined) lines.push(`     could not be carried through: ${broke}`);
  lines.push(`     again: npm run chaos -- --redis ${form} --round ${name} --seed ${seed}`);
  lines.push("     the servers' last words:");
  for (const line of logTail) lines.push(`     | ${line.slice(0, 400)}`);
  return lines;
}
