import { setTimeout as sleep } from "node:timers/promises";
import { inOneLine, Trouble } from "../trouble.ts";
import type { Told } from "./coupon.ts";

/** An assertion of a step did not hold. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** @throws Broken */
export function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Broken(otherwise);
}

/** @throws Broken unless the command ended with that exit code */
export function mustExit(told: Told, exitCode: number): Told {
  const words = `coupon ${told.verb} ended with ${told.exitCode} instead of ${exitCode}`;
  must(told.exitCode === exitCode, `${words}: ${inOneLine(told.stderr || told.stdout).slice(0, 400)}`);
  return told;
}

/** The JSON document on standard output. @throws Broken where there is none */
export function jsonOf<T>(told: Told): T {
  try {
    return JSON.parse(told.stdout) as T;
  } catch {
    throw new Broken(`coupon ${told.verb} wrote no JSON document: ${told.stdout.slice(0, 200)}`);
  }
}

/** The JSON documents on standard output, one a line. */
export function jsonLinesOf<T>(told: Told): T[] {
  return told.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

const POLL_MS = 50;

/** @throws Broken where the condition does not hold in time */
export async function mustCome(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (!(await condition())) {
    signal.throwIfAborted();
    must(performance.now() < untilMs, `${what}: not within ${withinMs / 1_000} s`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

export type Stage = {
  /**
   * Runs a step and prints its name, its result and the text that it returns. No step follows one that
   * failed.
   */
  step(name: string, run: () => Promise<string>): Promise<void>;
  readonly steps: number;
};

export function createStage(say: (line: string) => void, signal: AbortSignal): Stage {
  let steps = 0;
  return {
    get steps() {
      return steps;
    },
    async step(name, run) {
      signal.throwIfAborted();
      steps += 1;
      const startedMs = performance.now();
      const line = (mark: string, words: string) => {
        const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
        say(`  ${mark.padEnd(4)} ${name.padEnd(24)} ${seconds.padStart(5)} s  ${words}`);
      };
      try {
        line("ok", await run());
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof Trouble) throw error;
        line("FAIL", inOneLine(error));
        throw error instanceof Broken ? error : new Broken(inOneLine(error), { cause: error });
      }
    },
  };
}
