import { UserError } from "./user-error.ts";
import { instantsOfWallTime } from "./wall-time.ts";
import { canonicalZone, rfc3339In } from "./zone.ts";

/** An instant as the operator gave it. */
export interface GivenInstant {
  readonly epochMs: number;
  /** The zone the operator named, where they named one. */
  readonly zone: string | undefined;
}

const wallPattern =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?: ?([Zz]|[+-]\d{2}:\d{2})| +([A-Za-z][\w+/-]*))?$/;
const relativePattern = /^\+(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;
const relativeUnitsMs = [86_400_000, 3_600_000, 60_000, 1_000, 1];

/** The forms of an instant, for help and hints. */
export const instantForms =
  '2026-12-24T20:00:00+09:00, 2026-12-24T11:00:00Z, "2026-12-24 20:00 Asia/Seoul", +10m, +2h30m or now';
const forms = `give ${instantForms}`;

/** True: the meaning depends on what time it is, so the server's clock is needed. */
export function isRelative(text: string): boolean {
  return text === "now" || text.startsWith("+");
}

/**
 * `option` names the origin of the text, in messages. Fractions of a millisecond are rounded up, so that the
 * instant is never early.
 */
export function parseInstant(text: string, nowMs: number, option: string): GivenInstant {
  const given = text.trim();
  if (given === "now") return { epochMs: nowMs, zone: undefined };
  if (given.startsWith("+")) return { epochMs: nowMs + relativeMs(given, option), zone: undefined };

  const match = wallPattern.exec(given);
  if (match === null) throw new UserError(`${option}: "${given}" is not an instant`, { hint: forms });
  const wallMs = wallTimeMs(match, given, option);
  const offset = match[8];
  const zoneName = match[9];
  if (offset !== undefined) return { epochMs: wallMs - offsetMs(offset, given, option), zone: undefined };
  if (zoneName !== undefined) return inZone(wallMs, zoneName, given, option);
  throw new UserError(`${option}: "${given}" names no time zone`, {
    hint: "add Z, an offset such as +09:00, or a zone name such as Asia/Seoul",
  });
}

function relativeMs(given: string, option: string): number {
  const match = relativePattern.exec(given);
  if (match === null || given === "+") {
    throw new UserError(`${option}: "${given}" is not a duration`, {
      hint: "give for example +5s, +10m, +2h, +1d or +1h30m",
    });
  }
  return relativeUnitsMs.reduce((sum, unitMs, index) => sum + Number(match[index + 1] ?? 0) * unitMs, 0);
}

function wallTimeMs(match: RegExpExecArray, given: string, option: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const whole = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exists =
    whole.getUTCFullYear() === year &&
    whole.getUTCMonth() === month - 1 &&
    whole.getUTCDate() === day &&
    whole.getUTCHours() === hour &&
    whole.getUTCMinutes() === minute &&
    whole.getUTCSeconds() === second;
  if (!exists) {
    throw new UserError(`${option}: "${given}" is not on the calendar`, {
      hint: "check month, day, hour (00-23), minute and second (00-59)",
    });
  }
  return whole.getTime() + Math.ceil(Number((match[7] ?? "").padEnd(9, "0")) / 1_000_000);
}

function offsetMs(offset: string, given: string, option: string): number {
  if (offset.toUpperCase() === "Z") return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(4, 6));
  if (hours > 23 || minutes > 59) {
    throw new UserError(`${option}: "${given}" has an impossible offset`, { hint: forms });
  }
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function inZone(wallMs: number, zoneName: string, given: string, option: string): GivenInstant {
  const zone = canonicalZone(zoneName);
  if (zone === undefined) {
    throw new UserError(`${option}: "${zoneName}" is not a time zone name`, {
      hint: "use a name such as Asia/Seoul or America/New_York, UTC, or an offset such as +09:00",
    });
  }
  const [first, second] = instantsOfWallTime(wallMs, zone);
  if (first === undefined) {
    throw new UserError(`${option}: "${given}" never happens, the clocks there skip it`, {
      hint: "give another time, or an instant with Z or an offset",
    });
  }
  if (second !== undefined) {
    throw new UserError(`${option}: "${given}" happens twice, the clocks there go back`, {
      hint: `give ${rfc3339In(first, zone)} or ${rfc3339In(second, zone)}`,
    });
  }
  return { epochMs: first, zone };
}
