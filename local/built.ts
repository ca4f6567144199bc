import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startTimeOf } from "./process-identity.mjs";
import { buildProduct } from "./product.mjs";
import { repositoryDir } from "./repository.ts";

/** Inside the repository, so that the built files find node_modules. One a process: two runs do not meet. */
const localDir = join(repositoryDir, ".local");
const outDir = join(localDir, `build-${process.pid}`);

/** Set by a process that has made it for those that it starts. */
const SHARED_DIR = "BUILT_PRODUCT_DIR";

let built: Promise<string> | undefined;

/**
 * The product as `npm run build` makes it, made once a process, or by the one that started this: tests and benchmarks start these, which
 * is also what production runs. Resolves with the folder.
 */
export async function builtProduct(): Promise<string> {
  const shared = process.env[SHARED_DIR];
  if (shared !== undefined) return shared;
  built ??= build();
  return built;
}

/** Makes it now, for this process and for all that it starts from here on. */
export async function shareBuiltProduct(): Promise<void> {
  process.env[SHARED_DIR] = await builtProduct();
}

async function build(): Promise<string> {
  removeOrphans();
  // Types are `npm run check`'s to judge: without them the build takes a fifth of the processor time.
  await buildProduct(outDir, ["--noCheck"]);
  return outDir;
}

/** Builds of processes that were killed. */
function removeOrphans(): void {
  const names = existsSync(localDir) ? readdirSync(localDir) : [];
  for (const name of names) {
    const pid = /^build-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || startTimeOf(Number(pid)) !== undefined) continue;
    rmSync(join(localDir, name), { recursive: true, force: true });
  }
}

/** Also one that is under way: it has ended when this resolves. */
export async function removeBuiltProduct(): Promise<void> {
  await built?.catch(() => undefined);
  rmSync(outDir, { recursive: true, force: true });
}
