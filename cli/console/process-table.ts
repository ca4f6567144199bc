import type { WatchedProcess } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { printable } from "../render.ts";
import { fitted } from "./cells.ts";
import { type Look, painted, span } from "./spans.ts";

/** A process that was silent for longer is shown as such. */
const silentMs = 5_000;
const lateTickMs = 5_000;
const clockOffMs = 50;

/** A heading and a line each, at most `room` lines; where there are too many, those in trouble come first. */
export function processLines(processes: readonly WatchedProcess[], room: number, look: Look): string[] {
  if (room <= 0) return [];
  const name = Math.max(16, Math.min(40, look.width - 58));
  const heading = `${fitted("process", name)} ${fitted("roles", 16)} ${fitted("clock to Redis", 18, "right")} ${fitted("tick", 8, "right")} ${fitted("heard", 8, "right")}`;
  if (processes.length === 0)
    return [painted([span("no server, scheduler or generator says that it lives", "red")], look)];
  const rows = Math.max(0, room - 1);
  const tooMany = processes.length > rows;
  // Who is in trouble must be seen, however many there are.
  const byTrouble = [...processes].sort((a, b) => Number(troubled(b)) - Number(troubled(a)));
  const shown = byTrouble.slice(0, tooMany ? Math.max(0, rows - 1) : rows);
  const lines = shown.map((one) => processLine(one, name, look));
  if (tooMany && rows > 0)
    lines.push(painted([span(`and ${processes.length - shown.length} more`, "dim")], look));
  return [painted([span(heading, "dim")], look), ...lines];
}

const isClockOff = ({ clockOffsetMs, clockUncertaintyMs }: WatchedProcess): boolean =>
  clockOffsetMs === undefined || Math.abs(clockOffsetMs) + clockUncertaintyMs > clockOffMs;
/** When it was last heard of: who is silent ticks nowhere that we know of. */
const isLate = (one: WatchedProcess): boolean =>
  one.tickAgeMs !== undefined && one.tickAgeMs - one.silentMs > lateTickMs;
const isSilent = (one: WatchedProcess): boolean => one.silentMs >= silentMs;
const troubled = (one: WatchedProcess): boolean => isSilent(one) || isLate(one) || isClockOff(one);

const roleLetters: Readonly<Record<string, string>> = {
  server: "serve",
  scheduler: "sched",
  generator: "gen",
};

function processLine(one: WatchedProcess, nameCells: number, look: Look): string {
  const worker = one.worker === undefined ? "" : `#${one.worker}`;
  const name = `${printable(one.host)}/${one.pid}${worker}`;
  const roles = one.roles.map((role) => roleLetters[role] ?? printable(role)).join(" ");
  const plusMinus = look.unicode ? "±" : "+-";
  const { clockOffsetMs } = one;
  const sign = (clockOffsetMs ?? 0) < 0 ? "-" : "+";
  const offset =
    clockOffsetMs === undefined
      ? "unknown"
      : `${sign}${Math.abs(clockOffsetMs).toFixed(1)} ${plusMinus} ${one.clockUncertaintyMs.toFixed(1)} ms`;
  const seconds = (ms: bigint): string => `${(Number(ms) / 1_000).toFixed(1)}s`;
  const tick = one.tickAgeMs === undefined || isSilent(one) ? "-" : seconds(one.tickAgeMs);
  return painted(
    [
      span(`${fitted(name, nameCells)} `, isSilent(one) ? "red" : undefined),
      span(`${fitted(roles, 16)} `),
      span(`${fitted(offset, 18, "right")} `, isClockOff(one) ? "yellow" : undefined),
      span(`${fitted(tick, 8, "right")} `, isLate(one) ? "yellow" : undefined),
      span(
        fitted(isSilent(one) ? `! ${seconds(one.silentMs)}` : seconds(one.silentMs), 8, "right"),
        isSilent(one) ? "red" : undefined,
      ),
    ],
    look,
  );
}
