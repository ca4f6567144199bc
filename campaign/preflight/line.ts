import { grouped } from "../../runtime/counting.ts";
export const COLOURS = ["green", "amber", "red"] as const;
/**
 * green: as it should be. amber: the campaign will open, but an operator should look at this. red: it will
 * not open, or not as promised.
 */
export type Colour = (typeof COLOURS)[number];

/** One check with its result. */
export type Line = {
  /** The name of the check, in kebab-case; it never changes, so that scripts can rely on it. */
  readonly check: string;
  readonly colour: Colour;
  /** What was found, with its figures. */
  readonly finding: string;
  /** What to do; empty where there is nothing to do. */
  readonly advice: string;
};

export type Judged = Omit<Line, "check">;

export const green = (finding: string): Judged => ({ colour: "green", finding, advice: "" });
export const amber = (finding: string, advice: string): Judged => ({ colour: "amber", finding, advice });
export const red = (finding: string, advice: string): Judged => ({ colour: "red", finding, advice });

export function worstOf(lines: readonly Pick<Line, "colour">[]): Colour {
  const rank = Math.max(0, ...lines.map(({ colour }) => COLOURS.indexOf(colour)));
  return COLOURS[rank] ?? "red";
}

/** "12 ms", "3.4 s", "5 min 0 s", "2 h 5 min" */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`;
  return `${grouped(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}
