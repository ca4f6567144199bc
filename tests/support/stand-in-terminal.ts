import { PassThrough } from "node:stream";

/** What a terminal shows after all that was written to it. */
export interface Shown {
  /** The rows of the alternate screen; undefined: it is not in use. */
  readonly rows: readonly string[] | undefined;
  readonly cursor: boolean;
  readonly wraps: boolean;
  /** The text that was written outside the alternate screen. */
  readonly main: string;
}

export type StandInTerminal = PassThrough & {
  isTTY: boolean;
  columns: number;
  rows: number;
  /** Raw mode of a keyboard: each key arrives as soon as it is pressed. */
  raw: boolean;
  setRawMode(raw: boolean): void;
  /** All text that was written, with its escape sequences. */
  shown(): string;
};

/** A stream that the command takes for a terminal; it keeps what is drawn. */
export function standInTerminal(columns = 120, rows = 24): StandInTerminal {
  const stream = new PassThrough();
  let text = "";
  stream.setEncoding("utf8");
  // Its readers get what is written; when it stands for a keyboard, the command reads it.
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
 * Interprets the written text as a terminal does; supports only the sequences that the console writes, and
 * throws at any other.
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
