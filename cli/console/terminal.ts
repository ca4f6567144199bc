import type { Screen } from "../output.ts";
import type { Keyboard } from "../session.ts";

/** The whole terminal until it is closed: its lines, its keys, its size. */
export interface Terminal {
  readonly size: { readonly width: number; readonly height: number };
  /**
   * Shows these lines; writes only those that differ from the lines on the screen, and nothing while the
   * terminal is slow to read.
   */
  draw(lines: readonly string[]): void;
  /** Clears the screen; the next draw writes all lines. */
  forget(): void;
  /** Restores the screen as it was before. Safe to call again. */
  close(): void;
}

export interface TerminalPlan {
  readonly screen: Screen;
  readonly keyboard: Keyboard;
  /** Called with one character at a time. */
  readonly onKey: (key: string) => void;
  /** Called when the size has changed: the caller draws again. */
  readonly onResize: () => void;
}

/**
 * The alternate screen, no cursor, and no wrapping: a character that is wider on the terminal than computed
 * here moves no other line.
 */
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const leave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/** The size of a terminal that does not report one. */
const defaultSize = { width: 80, height: 24 };

/**
 * Takes the alternate screen, so that the terminal's old content comes back at the end. The screen is also
 * restored when the process exits without `close`.
 */
export function openTerminal({ screen, keyboard, onKey, onResize }: TerminalPlan): Terminal {
  let shown: readonly string[] = [];
  let isOpen = true;
  let wasPaused = false;

  const pressed = (chunk: Buffer | string): void => {
    const text = chunk.toString();
    // Arrows and function keys are several characters, which must not be taken for keys.
    if (!text.startsWith("\x1b")) for (const key of text) onKey(key);
  };
  const forget = (): void => {
    shown = [];
    screen.write("\x1b[2J");
  };
  const resized = (): void => {
    // Terminals wrap and cut the old lines in different ways.
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
    // Raw mode: each key arrives when it is pressed, and none is echoed on the screen.
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
      // Each row is erased before it is written: after a line that fills its row, erasing to the end would
      // remove the last character.
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
