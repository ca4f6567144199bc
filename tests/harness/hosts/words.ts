import type { Evidence, Recovery } from "./judge.ts";

export const evidenceWords = (evidence: readonly Evidence[]): string =>
  evidence.map(({ what, value }) => `${what}=${value}`).join(" ");

export function slowestWords(recoveries: readonly Recovery[]): string {
  const each = recoveries.map(
    ({ who, ms }) => `${who}:${ms === undefined ? "never" : `${Math.round(ms)} ms`}`,
  );
  return each.length === 0 ? "" : `recovery ${each.join(" ")}`;
}
