import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { builtProduct } from "../../local/built.ts";
import { repositoryDir } from "../../local/repository.ts";
import type { Stage } from "./dockerfile.ts";

const run = promisify(execFile);
/** The stage whose result `npm pack` makes here from a build that the tests share. */
const PACKED = "build";
const IN_PACKAGE = [
  "package.json",
  "cli/coupon.mjs",
  "cli/build-stamp.mjs",
  "proto",
  "docs",
  "LICENSE",
  "README.md",
];

/**
 * The file system of the image as far as the Dockerfile makes it: carries out its steps in folders of this
 * machine, but for the stage that packs the product. Returns the folder that is `/` in the image.
 */
export async function imageTree(stages: readonly Stage[], dir: string): Promise<string> {
  let root = dir;
  for (const { as, steps } of stages) {
    root = join(dir, as === "" ? "image" : as);
    let folder = root;
    if (as === PACKED) {
      await pack(join(root, "packed"), join(dir, "clone"));
      continue;
    }
    for (const { name, rest } of steps) {
      if (name === "WORKDIR") {
        folder = join(root, rest);
        mkdirSync(folder, { recursive: true });
      } else if (name === "RUN") {
        await run("sh", ["-ec", rest], {
          cwd: folder,
          env: { ...process.env, npm_config_prefer_offline: "true" },
        });
      } else if (name === "COPY") copy(rest, { dir, folder });
    }
  }
  return root;
}

function copy(rest: string, { dir, folder }: { dir: string; folder: string }): void {
  const [, stage, paths = ""] = /^(?:--from=(\S+) )?(.*)$/.exec(rest) ?? [];
  const sources = paths.split(" ");
  const target = resolve(folder, sources.pop() ?? "");
  for (const source of sources) {
    if (stage === undefined) cpSync(join(repositoryDir, source), join(target, source), { recursive: true });
    else if (target === folder) cpSync(join(dir, stage, source), target, { recursive: true });
    else renameSync(join(dir, stage, source), target);
  }
}

/** As `npm pack` in a clone that has been built. */
async function pack(into: string, clone: string): Promise<void> {
  for (const part of IN_PACKAGE) {
    mkdirSync(dirname(join(clone, part)), { recursive: true });
    cpSync(join(repositoryDir, part), join(clone, part), { recursive: true });
  }
  cpSync(await builtProduct(), join(clone, "dist"), { recursive: true });
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts"], { cwd: clone });
  const [packed]: { filename: string }[] = JSON.parse(stdout);
  mkdirSync(into, { recursive: true });
  await run("tar", ["-xzf", join(clone, packed?.filename ?? ""), "-C", into, "--strip-components=1"]);
  chmodSync(into, 0o755);
}
