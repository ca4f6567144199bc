import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Asks the operator questions. */
export interface Prompt {
  /** False: no operator could answer, as in a pipe, in a cron job or with --json. */
  readonly canAsk: boolean;
  /** The line typed, without its end; undefined: the input ended instead. Rejects when the signal fires. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface PromptOptions {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Questions go to the same stream as notes, so that standard output has results only. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly json: boolean;
}

export function openPrompt({ stdin, stderr, json }: PromptOptions): Prompt {
  return {
    canAsk: stdin.isTTY === true && stderr.isTTY === true && !json,
    ask(question, signal) {
      // Not `terminal`: in that mode the process would not receive Ctrl-C as a signal.
      const lines = createInterface({ input: stdin, output: stderr, terminal: false });
      let asked: (() => void) | undefined;
      return new Promise<string | undefined>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const interrupted = (): void => {
          // So that the next message begins on a line of its own.
          stderr.write("\n");
          reject(signal.reason);
        };
        signal.addEventListener("abort", interrupted, { once: true });
        lines.on("close", () => resolve(undefined));
        lines.question(question, resolve);
        asked = () => signal.removeEventListener("abort", interrupted);
      }).finally(() => {
        asked?.();
        lines.close();
      });
    },
  };
}
