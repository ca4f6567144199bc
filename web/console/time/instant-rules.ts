import type { Words } from "../i18n/words.ts";
import { instantMeant, readWallTime, type TypedInstant } from "./wall-time.ts";

/** The last instant that the contract can write. */
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const YEARS_AHEAD_MAX = 5;

/** An instant that was read, or what is wrong with it. */
export type ReadInstant =
  | { readonly ok: true; readonly epochMs: number }
  | { readonly ok: false; readonly problem: string };

/** Reads what was typed. */
export function readInstant(
  { text, fold }: TypedInstant,
  zone: string,
  { t }: Pick<Words, "t">,
): ReadInstant {
  const wall = readWallTime(text, zone);
  const epochMs = instantMeant(wall, fold);
  if (epochMs !== undefined) return { ok: true, epochMs };
  const problem = {
    empty: t("instant.empty"),
    unreadable: t("instant.unreadable"),
    never: t("instant.never", { zone }),
    twice: t("instant.chooseOne"),
    once: "",
  }[wall.kind];
  return { ok: false, problem };
}

/** The service's rules for a start; the server's clock says what is ahead. */
export function startProblem(startsAtMs: number, nowMs: number, { t, instant }: Words): string | undefined {
  const latest = new Date(nowMs);
  latest.setUTCFullYear(latest.getUTCFullYear() + YEARS_AHEAD_MAX);
  if (startsAtMs < 0) return t("instant.before1970");
  if (startsAtMs > latest.getTime())
    return t("instant.tooFar", { years: YEARS_AHEAD_MAX, latest: instant(latest.getTime(), "UTC") });
  return undefined;
}

/** The service's rules for an end. */
export function endProblem(
  endsAtMs: number,
  startsAtMs: number,
  nowMs: number,
  { t }: Words,
): string | undefined {
  if (endsAtMs <= nowMs) return t("instant.endPassed");
  if (endsAtMs <= startsAtMs) return t("instant.endBeforeStart");
  if (endsAtMs > LATEST_MS) return t("instant.year10000");
  return undefined;
}
