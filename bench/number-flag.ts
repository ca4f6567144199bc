import { Trouble } from "./trouble.ts";

/** A whole number given on the command line, within bounds. */
export function numberFlag(name: string, text: string, least: number, most: number): number {
  // Digits alone: no blanks, no exponent, no hexadecimal.
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new Trouble(
      `--${name} must be a whole number, ${least.toLocaleString("en")} to ${most.toLocaleString("en")}, not "${text}"`,
    );
  }
  return value;
}
