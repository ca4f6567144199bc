import { instantsOfWallTime } from "./zones.ts";

/** Which of two instants is meant, where the clocks of the zone go back and show a time twice. */
export type Fold = "earlier" | "later";

/** What an operator typed for an instant. */
export type TypedInstant = { readonly text: string; readonly fold: Fold | undefined };

export const NOTHING_TYPED: TypedInstant = { text: "", fold: undefined };

/** A time of day and date as it was typed, and the instants at which the zone's clocks show it. */
export type WallTime =
  | { readonly kind: "empty" }
  | { readonly kind: "unreadable" }
  /** The clocks of the zone skip it. */
  | { readonly kind: "never" }
  | { readonly kind: "once"; readonly epochMs: number }
  | { readonly kind: "twice"; readonly earlierMs: number; readonly laterMs: number };

const PATTERN = /^(\d{4,6})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/;

/** Reads the value of an input of type datetime-local. */
export function readWallTime(text: string, zone: string): WallTime {
  if (text.trim() === "") return { kind: "empty" };
  const match = PATTERN.exec(text.trim());
  if (match === null) return { kind: "unreadable" };
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const ms = Number((match[7] ?? "").padEnd(3, "0"));
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const whole = new Date(wallMs);
  const isOnCalendar = whole.getUTCMonth() === month - 1 && whole.getUTCDate() === day && hour < 24;
  if (Number.isNaN(wallMs) || !isOnCalendar || minute > 59 || second > 59) return { kind: "unreadable" };
  const [firstMs, againMs] = instantsOfWallTime(wallMs, zone);
  if (firstMs === undefined) return { kind: "never" };
  return againMs === undefined
    ? { kind: "once", epochMs: firstMs }
    : { kind: "twice", earlierMs: firstMs, laterMs: againMs };
}

/** The instant that is meant; undefined: none, or it is not said which of two. */
export function instantMeant(wall: WallTime, fold: Fold | undefined): number | undefined {
  if (wall.kind === "once") return wall.epochMs;
  if (wall.kind !== "twice" || fold === undefined) return undefined;
  return fold === "earlier" ? wall.earlierMs : wall.laterMs;
}
