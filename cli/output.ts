import { once } from "node:events";
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { type Redact, redactTexts } from "../runtime/redactor.ts";
import type { Failure } from "./failure.ts";
import { fittedText } from "./fitted-text.ts";
import { printable } from "./render.ts";
import { drawnFor } from "./terminal-signs.ts";
import { defaultColumns } from "./wrap.ts";

type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** Standard output carries results only; messages go to standard error. */
export interface Output {
  readonly json: boolean;
  /** True: both streams are terminals, and bars may be drawn on `bars`. */
  readonly interactive: boolean;
  readonly bars: Screen;
  /** Standard output as a screen, for the launch console. */
  readonly screen: Screen;
  readonly colour: boolean;
  /** The most columns of a line: the terminal's width; in a pipe there is no limit. */
  readonly columns: number;
  /** Results in words: on a terminal, lines that are too wide wrap. Waits while the reader is slow. */
  write(text: string): Promise<void>;
  /** Results that are data, written unchanged. */
  writeData(text: string): Promise<void>;
  /** A message about the progress, on standard error. */
  note(text: string): void;
  fail(failure: Failure): void;
  style(style: Style, text: string): string;
  /** The text as the terminal can show it. */
  drawn(text: string): string;
  /** A text of this program, with its `coupon` commands as the operator types them. */
  spelled(text: string): string;
}

export type Screen = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export interface OutputOptions {
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly json: boolean;
  readonly colour: boolean;
  /** False: the terminal cannot move its cursor. */
  readonly canDraw: boolean;
  /** False: the terminal shows only ASCII. */
  readonly unicode?: boolean;
  /** Applied to all text on standard error. */
  readonly redact: Redact;
  /** Rewrites suggested commands as the operator types them; undefined: they stay as they are. */
  readonly spelled?: (text: string) => string;
}

const lineEnds = /(\n)/;
/** What `style` makes, with the ends of lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escapes
const ownColours = /(\n|\x1b\[\d{1,2}m)/;

export function openOutput(options: OutputOptions): Output {
  const { stdout, stderr, json, redact, spelled = (text) => text, unicode = true } = options;
  const drawn = (text: string): string => drawnFor(unicode || json, text);
  const interactive = options.canDraw && stdout.isTTY === true && stderr.isTTY === true && !json;
  const colour = options.colour && interactive;
  // Decided here, for the given streams; styleText would use those of the process.
  const paint = (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const columns =
    stdout.isTTY === true && !json ? (stdout.columns ?? defaultColumns) : Number.POSITIVE_INFINITY;
  const writeData = async (text: string): Promise<void> => {
    if (!stdout.write(text)) await once(stdout, "drain");
  };
  // Applied to all output: escapes control characters from an argument, a file or the service, so that a
  // terminal does not execute them. In JSON the escaped form means the same text.
  const shown = (text: string): string =>
    text
      .split(colour ? ownColours : lineEnds)
      .map((part, at) => (at % 2 === 0 ? printable(part) : part))
      .join("");
  return {
    json,
    columns,
    interactive,
    bars: stderr,
    screen: stdout,
    colour,
    write: (text) => writeData(json ? shown(text) : fittedText(drawn(shown(text)), columns)),
    writeData,
    note(text) {
      const safe = drawn(redact(spelled(text)));
      stderr.write(shown(json ? `${JSON.stringify({ note: safe })}\n` : `coupon: ${safe}\n`));
    },
    fail(told) {
      const failure = redactTexts({ ...told, hint: spelled(told.hint) }, redact);
      const hint = failure.hint === "" ? "" : `; ${failure.hint}`;
      const line = `${paint("red", "coupon:")} ${failure.message}${hint}`;
      stderr.write(shown(json ? `${JSON.stringify({ error: failure })}\n` : `${drawn(line)}\n`));
    },
    style: paint,
    drawn,
    spelled,
  };
}
