import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildProduct } from "./product.mjs";
import { repositoryDir } from "./repository.ts";

/** Inside the repository, so that the built files find node_modules. One a process: two runs do not meet. */
const outDir = join(repositoryDir, ".local", `build-${process.pid}`);

let built: Promise<string> | undefined;

/**
 * The product as `npm run build` makes it, made once a process: tests and benchmarks start these, which is also what production runs.
 * Resolves with the folder.
 */
export function builtProduct(): Promise<string> {
  // Types are `npm run check`'s to judge: without them the build takes a fifth of the processor time.
  built ??= buildProduct(outDir, ["--noCheck"]).then(() => outDir);
  return built;
}

export function removeBuiltProduct(): void {
  rmSync(outDir, { recursive: true, force: true });
}
