import { Trouble } from "./trouble.ts";

/** A whole number given on the command line, within bounds. */
export function numberFlag(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least || value > most) {
    throw new Trouble(
      `--${name} must be a whole number, ${least.toLocaleString("en")} to ${most.toLocaleString("en")}, not "${text}"`,
    );
  }
  return value;
}
