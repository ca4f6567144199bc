import { grouped } from "../runtime/counting.ts";

const roundFrom = 1_000_000;

/** Odds in a form that is easy to compare: 0.001 → "1 in 1,000", 2e-16 → "1 in 5.0 × 10^15". */
export function oddsText(odds: number): string {
  if (!(odds > 0)) return "none";
  if (odds > 0.5) return odds >= 0.9995 ? "certain" : `${(odds * 100).toFixed(0)} %`;
  const tries = 1 / odds;
  if (tries < roundFrom) return `1 in ${grouped(Math.round(tries))}`;
  const [digits = "", exponent = ""] = tries.toExponential(1).split("e+");
  return `1 in ${digits} × 10^${exponent}`;
}

/** "6341473654629534118" → "6,341,473,654,629,534,118": more digits than a number holds. */
export function groupedDigits(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
