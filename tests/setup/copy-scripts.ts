import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../../local/repository.ts";

/**
 * Copies the set-up scripts that a fresh clone can run before any package is installed: those of `setup/`,
 * and those of `local/` that they import.
 */
export function copyScripts(clone: string): void {
  for (const room of ["setup", "local"]) {
    const scripts = readdirSync(join(repositoryDir, room)).filter((name) => name.endsWith(".mjs"));
    for (const name of scripts) cpSync(join(repositoryDir, room, name), join(clone, room, name));
  }
}
