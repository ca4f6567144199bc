import { isClockOff, isLate, isSilent, isTroubled } from "../../operator/process-trouble.ts";
import type { WatchedProcess } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { printable } from "../render.ts";
import { fitted } from "./cells.ts";
import { type Look, painted, type Style, span } from "./spans.ts";

/** A heading and a line for each process, at most `room` lines; if too many, processes with trouble first. */
export function processLines(processes: readonly WatchedProcess[], room: number, look: Look): string[] {
  if (room <= 0) return [];
  // During a roll-out it matters which process runs which version; otherwise all run the same.
  const isMixed = new Set(processes.map(({ version }) => version)).size > 1;
  const shownColumns = columnsFor(look.width, isMixed);
  const heading = shownColumns.map(({ title, cells, side }) => fitted(title, cells, side)).join(" ");
  if (processes.length === 0)
    return [painted([span("no server, scheduler or generator sends heartbeats", "red")], look)];
  const rows = Math.max(0, room - 1);
  const tooMany = processes.length > rows;
  // Processes with trouble must be shown, however many processes there are.
  const byTrouble = [...processes].sort((a, b) => Number(isTroubled(b)) - Number(isTroubled(a)));
  const shown = byTrouble.slice(0, tooMany ? Math.max(0, rows - 1) : rows);
  const lines = shown.map((one) => processLine(one, shownColumns, look));
  if (tooMany && rows > 0)
    lines.push(painted([span(`and ${processes.length - shown.length} more`, "dim")], look));
  return [painted([span(heading, "dim")], look), ...lines];
}

const roleLetters: Readonly<Record<string, string>> = {
  server: "serve",
  scheduler: "sched",
  generator: "gen",
  events: "ev",
};

type ColumnName = "process" | "version" | "roles" | "clock" | "tick" | "heard";

interface ProcessColumn {
  readonly name: ColumnName;
  readonly title: string;
  readonly cells: number;
  readonly side: "left" | "right";
}

/** Cells left free at the edge of a wide terminal. */
const spareCells = 4;
const nameCells = { least: 16, most: 40 } as const;
const versionColumn: ProcessColumn = { name: "version", title: "version", cells: 14, side: "left" };
const besideName: readonly ProcessColumn[] = [
  { name: "roles", title: "roles", cells: 18, side: "left" },
  { name: "clock", title: "clock to Redis", cells: 18, side: "right" },
  { name: "tick", title: "tick", cells: 8, side: "right" },
  { name: "heard", title: "heard", cells: 8, side: "right" },
];

/** A narrow terminal omits first the roles, then version, clock and tick; the last heartbeat always stays. */
function columnsFor(width: number, isMixed: boolean): ProcessColumn[] {
  const cellsOfAll = (columns: readonly ProcessColumn[]) =>
    columns.reduce((sum, { cells }) => sum + 1 + cells, 0);
  const [roles, ...rest] = besideName as readonly [ProcessColumn, ...ProcessColumn[]];
  let beside: readonly ProcessColumn[] = [roles, ...(isMixed ? [versionColumn] : []), ...rest];
  while (beside.length > 1 && nameCells.least + cellsOfAll(beside) > width) beside = beside.slice(1);
  const cells = Math.max(
    1,
    Math.min(
      nameCells.most,
      Math.max(width - cellsOfAll(beside) - spareCells, width < 26 ? 1 : nameCells.least),
    ),
  );
  return [{ name: "process", title: "process", cells, side: "left" }, ...beside];
}

function processLine(one: WatchedProcess, columns: readonly ProcessColumn[], look: Look): string {
  const worker = one.worker === undefined ? "" : `#${one.worker}`;
  const plusMinus = look.unicode ? "±" : "+-";
  const { clockOffsetMs } = one;
  const sign = (clockOffsetMs ?? 0) < 0 ? "-" : "+";
  const offset =
    clockOffsetMs === undefined
      ? "unknown"
      : `${sign}${Math.abs(clockOffsetMs).toFixed(1)} ${plusMinus} ${one.clockUncertaintyMs.toFixed(1)} ms`;
  const seconds = (ms: bigint): string => `${(Number(ms) / 1_000).toFixed(1)}s`;
  const silent = isSilent(one);
  const cells: Record<ColumnName, readonly [text: string, style: Style | undefined]> = {
    process: [`${printable(one.host)}/${one.pid}${worker}`, silent ? "red" : undefined],
    version: [printable(one.version), "yellow"],
    roles: [one.roles.map((role) => roleLetters[role] ?? printable(role)).join(" "), undefined],
    clock: [offset, isClockOff(one) ? "yellow" : undefined],
    tick: [
      one.tickAgeMs === undefined || silent ? "-" : seconds(one.tickAgeMs),
      isLate(one) ? "yellow" : undefined,
    ],
    heard: [silent ? `! ${seconds(one.silentMs)}` : seconds(one.silentMs), silent ? "red" : undefined],
  };
  const spans = columns.map(({ name, cells: width, side }, at) => {
    const [text, style] = cells[name];
    return span(`${at > 0 ? " " : ""}${fitted(text, width, side)}`, style);
  });
  return painted(spans, look);
}
