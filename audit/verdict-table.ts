import { INVARIANTS, RUN_INVARIANTS, type Verdict } from "./verdict.ts";

const WORDS = { ...INVARIANTS, ...RUN_INVARIANTS };

export function violated(verdicts: readonly Verdict[]): string[] {
  return verdicts.filter((verdict) => !verdict.ok).map((verdict) => verdict.invariant);
}

/** The verdicts as lines of text for a person, without colour. */
export function verdictTable(verdicts: readonly Verdict[]): string[] {
  const lines = ["  inv  verdict    what it says                             checked  what was looked at"];
  for (const { invariant, ok, count, checked, detail, examples } of verdicts) {
    const words = ok ? "ok" : `${count} WRONG`;
    lines.push(
      `  ${invariant.padEnd(4)} ${words.padEnd(10)} ${WORDS[invariant].padEnd(40)} ${String(checked).padStart(7)}  ${detail}`,
    );
    for (const example of examples) lines.push(`         - ${example}`);
    if (count > examples.length && examples.length > 0)
      lines.push(`         - and ${count - examples.length} more`);
  }
  return lines;
}
