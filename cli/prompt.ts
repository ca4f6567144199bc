import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Where the operator can be asked something. */
export interface Prompt {
  /** False: nobody is there who could answer, as in a pipe, a cron job or with --json. */
  readonly canAsk: boolean;
  /** The line typed, without its end; undefined: the input ended instead. Rejects when the signal fires. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface PromptOptions {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Questions go where the notes go, so that results stay clean. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly json: boolean;
}

export function openPrompt({ stdin, stderr, json }: PromptOptions): Prompt {
  return {
    canAsk: stdin.isTTY === true && stderr.isTTY === true && !json,
    ask(question, signal) {
      // Not `terminal`: that would take Ctrl-C away from the process.
      const lines = createInterface({ input: stdin, output: stderr, terminal: false });
      let asked: (() => void) | undefined;
      return new Promise<string | undefined>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const interrupted = (): void => {
          // What is said next does not stand behind the question.
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
