import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../../local/repository.ts";

/**
 * Set-up as a clone has it that has nothing installed yet: the scripts of its own room, and what they import
 * of the next.
 */
export function copyScripts(clone: string): void {
  for (const room of ["setup", "local"]) {
    const scripts = readdirSync(join(repositoryDir, room)).filter((name) => name.endsWith(".mjs"));
    for (const name of scripts) cpSync(join(repositoryDir, room, name), join(clone, room, name));
  }
}
