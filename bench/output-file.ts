import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { Trouble } from "./trouble.ts";

/**
 * Called before a run begins, so that an error comes before the work and not after it. The file's content
 * stays. `name`: the flag that named the file.
 * @throws Trouble where nothing can be written there
 */
export function expectWritable(name: string, file: string): void {
  const isNew = !existsSync(file);
  orTrouble(name, file, () => closeSync(openSync(file, "a", 0o600)));
  if (isNew) rmSync(file, { force: true });
}

/** @throws Trouble that names the file, for any error of `act` */
export function orTrouble<T>(name: string, file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Trouble(`${name} ${file} cannot be written: ${why}`, { cause: error });
  }
}
