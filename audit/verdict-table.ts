import type { Verdict } from "./verdict.ts";

export function violated(verdicts: readonly Verdict[]): string[] {
  return [...new Set(verdicts.filter((verdict) => !verdict.ok).map((verdict) => verdict.invariant))];
}

/** The verdicts as lines of text for a person, without colour. */
export function verdictTable(verdicts: readonly Verdict[]): string[] {
  const lines = ["  inv  verdict    what it says                             checked  what was looked at"];
  for (const { invariant, title, ok, notJudged, prevented, count, checked, detail, offenders } of verdicts) {
    const words = !ok
      ? `${count} WRONG`
      : notJudged === undefined
        ? "ok"
        : prevented
          ? "NOT JUDGED"
          : "not judged";
    const looked = notJudged === undefined ? detail : `${detail}: ${notJudged}`;
    lines.push(
      `  ${invariant.padEnd(4)} ${words.padEnd(10)} ${title.padEnd(40)} ${String(checked).padStart(7)}  ${looked}`,
    );
    for (const offender of offenders) lines.push(`         - ${offender.words}`);
    if (count > offenders.length && offenders.length > 0)
      lines.push(`         - and ${count - offenders.length} more`);
  }
  return lines;
}
