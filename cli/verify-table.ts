import { CheckVerdict, type VerifyCheck } from "../proto/gen/coupon/v1/verify_pb.ts";
import type { Output } from "./output.ts";
import { grouped, printable } from "./render.ts";

/** One line a check, its offenders below it. */
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

function verdictText(output: Output, { verdict, violations }: VerifyCheck): string {
  const wide = (text: string): string => text.padEnd(15);
  if (verdict === CheckVerdict.HOLDS) return output.style("green", wide("holds"));
  if (verdict === CheckVerdict.VIOLATED) return output.style("red", wide(`${grouped(violations)} WRONG`));
  return output.style("yellow", wide("not judged"));
}

/** The guarantees that are violated, each once. */
export function violatedIn(checks: readonly VerifyCheck[]): string[] {
  const wrong = checks.filter(({ verdict }) => verdict === CheckVerdict.VIOLATED);
  return [...new Set(wrong.map(({ invariant }) => invariant))];
}
