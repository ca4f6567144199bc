import { execFile } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { repositoryDir } from "./repository.ts";

const run = promisify(execFile);

/** Inside the repository, so that the built files find node_modules. One a process: two runs do not meet. */
const outDir = join(repositoryDir, ".local", `build-${process.pid}`);

let built: Promise<string> | undefined;

/**
 * The product as `npm run build` makes it, made once a process: tests and benchmarks start these, which is also what production runs.
 * Resolves with the folder.
 */
export function builtProduct(): Promise<string> {
  built ??= (async () => {
    const tsc = join(repositoryDir, "node_modules", ".bin", "tsc");
    // Types are `npm run check`'s to judge: without them the build takes a fifth of the processor time.
    await run(tsc, ["-p", "tsconfig.build.json", "--noCheck", "--outDir", outDir], { cwd: repositoryDir });
    cpSync(join(repositoryDir, "pool", "lua"), join(outDir, "pool", "lua"), { recursive: true });
    return outDir;
  })();
  return built;
}

export function removeBuiltProduct(): void {
  rmSync(outDir, { recursive: true, force: true });
}
