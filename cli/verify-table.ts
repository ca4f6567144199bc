import { enumName } from "../proto/enum-name.ts";
import { CheckVerdict, CheckVerdictSchema, type VerifyCheck } from "../proto/gen/coupon/v1/verify_pb.ts";
import { grouped } from "../runtime/counting.ts";
import type { Output } from "./output.ts";
import { printable } from "./render.ts";

/** One line for each check, with its offenders below it. */
export function checkLines(output: Output, checks: readonly VerifyCheck[]): string {
  const width = Math.max(0, ...checks.map(({ title }) => title.length));
  return checks.map((check) => checkLine(output, check, width)).join("");
}

function checkLine(output: Output, check: VerifyCheck, width: number): string {
  const { invariant, title, detail, notJudgedBecause, violations, offenders } = check;
  const why = notJudgedBecause === "" ? "" : `: ${notJudgedBecause}`;
  const line = `  ${invariant.padEnd(4)} ${verdictText(output, check)} ${title.padEnd(width)}  ${printable((detail + why).replace(/^: /, ""))}\n`;
  const named = offenders.map(({ words }) => `         - ${printable(words)}\n`).join("");
  const more = violations - offenders.length;
  return line + named + (more > 0 ? `         - and ${grouped(more)} more\n` : "");
}

function verdictText(output: Output, { verdict, violations, prevented }: VerifyCheck): string {
  const wide = (text: string): string => text.padEnd(15);
  if (verdict === CheckVerdict.HOLDS) return output.style("green", wide("holds"));
  if (verdict === CheckVerdict.VIOLATED) return output.style("red", wide(`${grouped(violations)} WRONG`));
  if (verdict !== CheckVerdict.NOT_JUDGED)
    return output.style("yellow", wide(enumName(CheckVerdictSchema, verdict)));
  return prevented ? output.style("red", wide("NOT JUDGED")) : output.style("yellow", wide("not judged"));
}

/** The guarantees that are violated, each once. */
export function violatedIn(checks: readonly VerifyCheck[]): string[] {
  const wrong = checks.filter(({ verdict }) => verdict === CheckVerdict.VIOLATED);
  return [...new Set(wrong.map(({ invariant }) => invariant))];
}

/** The guarantees whose check was prevented, and the reasons, each once. */
export function preventedIn(checks: readonly VerifyCheck[]): { invariants: string[]; why: string[] } {
  const prevented = checks.filter((check) => check.prevented);
  return {
    invariants: [...new Set(prevented.map(({ invariant }) => invariant))],
    why: [...new Set(prevented.map(({ notJudgedBecause }) => printable(notJudgedBecause)))],
  };
}

/** The checks without a verdict on their guarantee, each guarantee and cause once. */
export function unjudgedIn(checks: readonly VerifyCheck[]): VerifyCheck[] {
  const unjudged = checks.filter(({ verdict }) => verdict === CheckVerdict.NOT_JUDGED);
  const of = ({ invariant, notJudgedBecause }: VerifyCheck) => `${invariant} ${notJudgedBecause}`;
  return [...new Map(unjudged.map((check) => [of(check), check])).values()];
}
