/**
 * The product as it is shipped: the service file by file as `tsc` emits it, and the command `coupon` as one
 * bundle with all that it uses, which starts in a third of the time. The bundler is a dev dependency and is
 * not needed at run time.
 */
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { stampFile, stampOf } from "../cli/build-stamp.mjs";
import { makeFolder } from "./make-folder.mjs";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("..", import.meta.url));

/** commander is CommonJS and calls `require` for Node's own modules. */
const requireOfNode =
  'import { createRequire as createRequireOfNode } from "node:module"; const require = createRequireOfNode(import.meta.url);';

/**
 * @param {string} outDir inside the repository, so that the service finds node_modules
 * @param {readonly string[]} tscFlags
 */
export async function buildProduct(outDir, tscFlags = []) {
  // Taken first, so that a file that is edited during the build makes the build stale.
  const stamp = stampOf(repository);
  rmSync(outDir, { recursive: true, force: true });
  await Promise.all([compileService(outDir, tscFlags), bundleCommand(join(outDir, "cli"))]);
  writeFileSync(join(outDir, stampFile), stamp);
}

/**
 * @param {string} outDir
 * @param {readonly string[]} flags
 */
async function compileService(outDir, flags) {
  const tsc = join(repository, "node_modules", ".bin", "tsc");
  await run(tsc, ["-p", "tsconfig.build.json", ...flags, "--outDir", outDir], { cwd: repository });
  // The compiler does not copy the Lua scripts, and the built pool reads them from its own folder.
  cpSync(join(repository, "pool", "lua"), join(outDir, "pool", "lua"), { recursive: true });
}

/** @param {string} folder */
async function bundleCommand(folder) {
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: ["cli/main.ts"],
    outdir: folder,
    // One chunk for each verb's own part: see cli/actions.ts.
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    banner: { js: requireOfNode },
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: "warning",
  });
  makeFolder(folder);
  for (const file of ["coupon.mjs", "build-stamp.mjs"])
    copyFileSync(join(repository, "cli", file), join(folder, file));
  writeFileSync(join(folder, "licenses.txt"), licensesOf(Object.keys(metafile.inputs)));
}

/**
 * The notices of the packages in the bundle, which their licenses require beside each copy.
 *
 * @param {string[]} inputs
 */
function licensesOf(inputs) {
  const names = inputs.flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []);
  const notices = [...new Set(names)].sort().map((name) => {
    const folder = join(repository, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = ["LICENSE", "LICENSE.md", "license"].map((f) => join(folder, f)).find((f) => existsSync(f));
    const text = file === undefined ? "" : `\n${readFileSync(file, "utf8").trim()}\n`;
    return `${name} ${version}, ${license}\n${text}`;
  });
  return `The command coupon contains these packages.\n\n${notices.join(`\n${"-".repeat(80)}\n\n`)}`;
}
