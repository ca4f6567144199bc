import type { Screen } from "../output.ts";
import type { Keyboard } from "../session.ts";

/** The whole terminal, until it is given back: its lines, its keys, its size. */
export interface Terminal {
  readonly size: { readonly width: number; readonly height: number };
  /**
   * Shows these lines; writes only those that differ from what is there, and nothing while the terminal is
   * behind.
   */
  draw(lines: readonly string[]): void;
  /** What is there was lost: the next draw writes all of it. */
  forget(): void;
  /** Gives the screen back as it was before. Harmless when it has been given back. */
  close(): void;
}

export interface TerminalPlan {
  readonly screen: Screen;
  readonly keyboard: Keyboard;
  /** One character at a time. */
  readonly onKey: (key: string) => void;
  /** The size is another one: draw again. */
  readonly onResize: () => void;
}

/**
 * The alternate screen, no cursor, and no wrapping: a character that is wider there than we think moves no
 * other line.
 */
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const leave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/** What a terminal is taken for that does not tell its size. */
const defaultSize = { width: 80, height: 24 };

/**
 * Takes the alternate screen, so that what was on the terminal comes back at the end, however the process
 * ends: the screen is also given back when the process exits by itself.
 */
export function openTerminal({ screen, keyboard, onKey, onResize }: TerminalPlan): Terminal {
  let shown: readonly string[] = [];
  let isOpen = true;
  let wasPaused = false;

  const pressed = (chunk: Buffer | string): void => {
    const text = chunk.toString();
    // Arrows and function keys are several characters that mean nothing by themselves.
    if (!text.startsWith("\x1b")) for (const key of text) onKey(key);
  };
  const forget = (): void => {
    shown = [];
    screen.write("\x1b[2J");
  };
  const resized = (): void => {
    // Terminals wrap and cut what is there in ways of their own.
    forget();
    onResize();
  };
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    screen.off("resize", resized);
    process.off("exit", close);
    if (keyboard.isTTY === true) {
      keyboard.off("data", pressed);
      keyboard.setRawMode?.(false);
      if (wasPaused) keyboard.pause();
    }
    screen.write(leave);
  };

  process.on("exit", close);
  screen.on("resize", resized);
  screen.write(enter);
  if (keyboard.isTTY === true) {
    wasPaused = keyboard.readableFlowing !== true;
    // Each key as it is pressed, and none of them written across the screen.
    keyboard.setRawMode?.(true);
    keyboard.on("data", pressed);
    keyboard.resume();
  }
  return {
    get size() {
      const { columns, rows } = screen;
      return { width: columns || defaultSize.width, height: rows || defaultSize.height };
    },
    draw(lines) {
      if (!isOpen || screen.writableNeedDrain) return;
      // Erased before it is written: after a line that fills its row, erasing to the end would take the last
      // character.
      const changes = lines
        .map((line, i) => (line === shown[i] ? "" : `\x1b[${i + 1};1H\x1b[2K${line}`))
        .join("");
      if (changes !== "") screen.write(changes);
      shown = lines;
    },
    forget,
    close,
  };
}
