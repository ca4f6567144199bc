import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Trouble } from "../../../bench/trouble.ts";
import { builtProduct, runBounded } from "../../../local/built.ts";
import { repositoryDir } from "../../../local/repository.ts";

const run = promisify(execFile);

/** A built version of the product. */
export type Product = {
  readonly name: "old" | "new";
  /** As in its package.json. */
  readonly version: string;
  /** The folder of the build. */
  readonly dir: string;
};

export type Release = { readonly commit: string; readonly version: string };

const BUILD_MS = 240_000;
const OUTPUT_MAX = 64 * 1024 * 1024;

export function previousRelease(): Release {
  return JSON.parse(readFileSync(new URL("previous-release.json", import.meta.url), "utf8")) as Release;
}

export async function presentProduct(): Promise<Product> {
  return { name: "new", version: versionIn(repositoryDir), dir: await builtProduct() };
}

/** @throws Trouble where the history of this clone does not reach back to the release */
export async function releasedProduct({ commit, version }: Release, dir: string): Promise<Product> {
  await demandCommit(commit, version);
  const tree = join(dir, "previous");
  mkdirSync(tree);
  const archive = join(dir, "previous.tar");
  await run("git", ["archive", "--output", archive, commit], { cwd: repositoryDir });
  await run("tar", ["-xf", archive, "-C", tree]);
  const written = versionIn(tree);
  if (written !== version)
    throw new Trouble(`previous-release.json says ${version}, the commit's package.json ${written}`);
  await installModules(tree);
  await runBounded([join(tree, "local", "build.mjs"), join(tree, "dist"), "--noCheck"], BUILD_MS);
  return { name: "old", version, dir: join(tree, "dist") };
}

export async function demandCommit(commit: string, version: string): Promise<void> {
  try {
    await run("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: repositoryDir });
  } catch (error) {
    throw new Trouble(
      `the previous release ${version} (${commit.slice(0, 10)}) is not in this clone; fetch the whole history: git fetch --unshallow, in CI fetch-depth: 0`,
      { cause: error },
    );
  }
}

/** Links the modules of this clone where the release has the same ones, else installs its own. */
async function installModules(tree: string): Promise<void> {
  const modules = join(repositoryDir, "node_modules");
  if (existsSync(modules) && modulesOf(tree) === modulesOf(repositoryDir)) {
    symlinkSync(modules, join(tree, "node_modules"));
    return;
  }
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: tree, maxBuffer: OUTPUT_MAX });
}

/** The lock file without the product's own version. */
function modulesOf(tree: string): string {
  const { version: _, packages, ...rest } = JSON.parse(readFileSync(join(tree, "package-lock.json"), "utf8"));
  const { "": own, ...others } = packages;
  return JSON.stringify([rest, { ...own, version: "" }, others]);
}

function versionIn(tree: string): string {
  const { version } = JSON.parse(readFileSync(join(tree, "package.json"), "utf8")) as { version: string };
  return version;
}
