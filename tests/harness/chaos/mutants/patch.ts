import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * One textual change to a file of the product. The search text is part of a line that is the same in source
 * and build.
 */
export type Patch = {
  /**
   * The path, without its extension where source and build differ in it: `claims/pipeline`,
   * `pool/lua/claim.lua`.
   */
  readonly file: string;
  readonly search: string;
  readonly replace: string;
};

export type Form = "source" | "build";

export function fileOf({ file }: Patch, form: Form): string {
  if (file.endsWith(".lua")) return file;
  return `${file}.${form === "source" ? "ts" : "js"}`;
}

/**
 * The text with the patch applied.
 * @throws when the search text does not occur exactly once: the product has changed under the mutant
 */
export function patched(text: string, { file, search, replace }: Patch): string {
  const pieces = text.split(search);
  if (pieces.length !== 2)
    throw new Error(`${file}: the patch must fit once and fits ${pieces.length - 1} times: ${search}`);
  return pieces.join(replace);
}

export function applyPatch(dir: string, patch: Patch): void {
  const file = join(dir, fileOf(patch, "build"));
  writeFileSync(file, patched(readFileSync(file, "utf8"), patch));
}
