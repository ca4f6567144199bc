import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { Trouble } from "./trouble.ts";

/**
 * Asked before a run begins, not when its result is there: what is in the file stays. `name` is what the
 * person gave it by.
 * @throws Trouble where nothing can be written there
 */
export function expectWritable(name: string, file: string): void {
  const isNew = !existsSync(file);
  orTrouble(name, file, () => closeSync(openSync(file, "a", 0o600)));
  if (isNew) rmSync(file, { force: true });
}

/** @throws Trouble that names the file, for what goes wrong with it */
export function orTrouble<T>(name: string, file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Trouble(`${name} ${file} cannot be written: ${why}`, { cause: error });
  }
}
