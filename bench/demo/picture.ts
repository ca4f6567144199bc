import type { Second } from "../../callers/scoreboard.ts";

const BAR_CELLS = 24;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const SPARKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Escape codes only where the output is a terminal that supports them. */
export type Paint = { readonly bold: (text: string) => string; readonly good: (text: string) => string };

export function paintFor(stream: { isTTY?: boolean }, env: Record<string, string | undefined>): Paint {
  const wanted = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const wrap = (on: number, off: number) => (text: string) =>
    wanted ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return { bold: wrap(1, 22), good: wrap(32, 39) };
}

export function columnHeads(): string {
  return row("time", "", "issued", [
    "new",
    "again",
    "early",
    "sold out",
    "other",
    "unclear",
    "p50 ms",
    "p99 ms",
  ]);
}

/** The line of one second; the bar shows the share of the coupons issued so far. */
export function secondLine(second: Second, total: number, paint: Paint): string {
  const { latencyMs } = second;
  const milliseconds = (percent: number) => (latencyMs.count === 0 ? "-" : latencyMs.at(percent).toFixed(1));
  const counts = [
    second.issued,
    second.again,
    second.notStarted,
    second.soldOut,
    second.otherRefusals,
    second.unclear,
  ].map((count) => (count === 0 ? "." : count.toLocaleString("en")));
  const time = `${second.second < 0 ? "" : "+"}${second.second} s`;
  return row(time, paint.good(bar(second.issuedSoFar, total)), second.issuedSoFar.toLocaleString("en"), [
    ...counts,
    milliseconds(50),
    milliseconds(99),
  ]);
}

/** Always `cells` wide, so that the columns stay aligned. */
export function bar(part: number, whole: number, cells = BAR_CELLS): string {
  const eighths = Math.round(Math.min(1, part / whole) * cells * 8);
  return ("█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "")).padEnd(cells, "·");
}

export function sparkline(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  return values.map((value) => SPARKS[Math.round((value / most) * (SPARKS.length - 1))]).join("");
}

function row(time: string, barText: string, issued: string, cells: readonly string[]): string {
  const columns = cells.map((cell) => cell.padStart(9)).join("");
  return `  ${time.padStart(6)} ${barText === "" ? " ".repeat(BAR_CELLS) : barText} ${issued.padStart(9)}${columns}`;
}
