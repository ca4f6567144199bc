import { PassThrough } from "node:stream";

/** What a terminal shows after what was written to it. */
export interface Shown {
  /** The rows of the alternate screen; undefined: it is not in use. */
  readonly rows: readonly string[] | undefined;
  readonly cursor: boolean;
  readonly wraps: boolean;
  /** What was written beside the alternate screen. */
  readonly main: string;
}

export type StandInTerminal = PassThrough & {
  isTTY: boolean;
  columns: number;
  rows: number;
  /** As a keyboard: whether each key comes as it is pressed. */
  raw: boolean;
  setRawMode(raw: boolean): void;
  /** Everything that was written, escapes and all. */
  shown(): string;
};

/** A terminal as far as the command can tell; what is drawn is kept. */
export function standInTerminal(columns = 120, rows = 24): StandInTerminal {
  const stream = new PassThrough();
  let text = "";
  stream.setEncoding("utf8");
  // What is written is heard by whoever reads it; a keyboard is read by the command.
  const write = stream.write.bind(stream);
  const terminal: StandInTerminal = Object.assign(stream, {
    isTTY: true,
    columns,
    rows,
    raw: false,
    setRawMode(raw: boolean) {
      terminal.raw = raw;
    },
    shown: () => text,
  });
  stream.write = ((chunk: string | Buffer, ...rest: never[]) => {
    text += chunk.toString();
    return write(chunk, ...rest);
  }) as typeof stream.write;
  return terminal;
}

/**
 * Reads what was written as a terminal does; knows only what the console writes, and fails at anything else.
 */
export function readScreen(written: string): Shown {
  let rows: string[] | undefined;
  let row = 0;
  let cursor = true;
  let wraps = true;
  const [before = "", ...pieces] = written.split("\x1b[");
  let main = before;
  for (const piece of pieces) {
    const [, command = "", words = ""] = /^([?\d;]*[A-Za-z])(.*)$/s.exec(piece) ?? [];
    const move = /^(\d+);1H$/.exec(command);
    if (move !== null) row = Number(move[1]) - 1;
    else if (command === "2K" && rows !== undefined) rows[row] = "";
    else if (command === "2J" && rows !== undefined) rows = [];
    else if (command === "?1049h") rows = [];
    else if (command === "?1049l") rows = undefined;
    else if (command === "?25l" || command === "?25h") cursor = command.endsWith("h");
    else if (command === "?7l" || command === "?7h") wraps = command.endsWith("h");
    else if (!/^\d*m$/.test(command)) throw new Error(`unexpected escape ${JSON.stringify(piece)}`);
    if (words === "") continue;
    if (rows === undefined) main += words;
    else rows[row] = (rows[row] ?? "") + words;
  }
  return { rows, cursor, wraps, main };
}
