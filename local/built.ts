import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { spawnKept } from "./child.ts";
import { startTimeOf } from "./process-identity.mjs";
import { repositoryDir } from "./repository.ts";

/** Inside the repository, so that the built files find node_modules. One for each process. */
const localDir = join(repositoryDir, ".local");
const outDir = join(localDir, `build-${process.pid}`);

/** The folder of a build, set by a process that has built the product, for its child processes. */
const SHARED_DIR = "BUILT_PRODUCT_DIR";

/** A bound against hanging: a build takes five seconds, on a very busy machine a minute. */
const BUILD_MS = 240_000;

let built: Promise<string> | undefined;
let running: ChildProcess | undefined;

/**
 * Builds the product as `npm run build` does, once in each process, unless its parent has shared a build.
 * Tests and benchmarks start the built files, which production runs too. Resolves with the folder.
 */
export async function builtProduct(): Promise<string> {
  const shared = process.env[SHARED_DIR];
  if (shared !== undefined) return shared;
  built ??= build();
  return built;
}

/** Builds the product now, for this process and for the child processes that it starts from now on. */
export async function shareBuiltProduct(): Promise<void> {
  process.env[SHARED_DIR] = await builtProduct();
}

async function build(): Promise<string> {
  removeOrphans();
  // `npm run check` checks the types: without that the build takes a fifth of the processor time.
  await runBounded([join(repositoryDir, "local", "build.mjs"), outDir, "--noCheck"], BUILD_MS);
  return outDir;
}

/**
 * Runs a Node program to its end, in a process group of its own. A group that has not ended within `withinMs`
 * is killed and the program is run once more: of thousands of builds on busy machines one never ended, with
 * all of its processes alive. When the program fails, rejects with its output.
 */
export async function runBounded(args: readonly string[], withinMs: number): Promise<void> {
  for (const isLast of [false, true]) {
    const child = spawnKept(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    running = child;
    const told = [child.stdout, child.stderr].flatMap((stream) => stream ?? []);
    const words = Promise.all(told.map((stream) => text(stream)));
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child);
    }, withinMs);
    const [code, signal] = await once(child, "close").finally(() => clearTimeout(timer));
    running = undefined;
    if (code === 0) return;
    if (!late) throw new Error(`${(await words).join("").trim() || `ended by ${signal ?? code}`}`);
    if (isLast) throw new Error(`the build did not end within ${withinMs / 1_000} s, twice`);
  }
}

/** Works also when the child has ended and a process that it started keeps its pipes open. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** Removes the builds of processes that were killed. */
function removeOrphans(): void {
  const names = existsSync(localDir) ? readdirSync(localDir) : [];
  for (const name of names) {
    const pid = /^build-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || startTimeOf(Number(pid)) !== undefined) continue;
    rmSync(join(localDir, name), { recursive: true, force: true });
  }
}

/** Ends a build that is under way, and removes its files too. */
export async function removeBuiltProduct(): Promise<void> {
  if (running !== undefined) killGroup(running);
  await built?.catch(() => undefined);
  rmSync(outDir, { recursive: true, force: true });
}
