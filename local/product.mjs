/**
 * The product as it is shipped: the service file by file as `tsc` emits it, and the command `coupon` as one
 * bundle with all that it uses, which starts in a third of the time. The bundler is a dev dependency and is
 * not needed at run time.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { stampFile, stampOf } from "../cli/build-stamp.mjs";
import { buildWeb } from "../web/build.mjs";
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
  await Promise.all([
    compileService(outDir, tscFlags),
    bundleCommand(join(outDir, "cli")),
    buildWeb(join(outDir, "web", "dist")),
  ]);
  writeFileSync(join(outDir, stampFile), stamp);
  writeFileSync(join(outDir, buildIdFile), buildIdOf(outDir));
}

/** In the folder of a build: its id, which runtime/version.ts adds to the version. */
const buildIdFile = "build-id.txt";

/**
 * The start of a digest of all programs and scripts of a build: the same sources give the same one, wherever
 * and whenever they are built.
 *
 * @param {string} outDir
 */
function buildIdOf(outDir) {
  const digest = createHash("sha256");
  const programs = readdirSync(outDir, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.(js|mjs|lua)$/.test(file),
  );
  for (const file of programs.sort()) digest.update(`${file}\0`).update(readFileSync(join(outDir, file)));
  return digest.digest("hex").slice(0, 8);
}

/**
 * @param {string} outDir
 * @param {readonly string[]} flags
 */
async function compileService(outDir, flags) {
  const tsc = join(repository, "node_modules", ".bin", "tsc");
  await run(tsc, ["-p", "tsconfig.build.json", ...flags, "--outDir", outDir], { cwd: repository });
  // The compiler does not copy the Lua scripts and the OpenAPI document, which the built service reads.
  cpSync(join(repository, "pool", "lua"), join(outDir, "pool", "lua"), { recursive: true });
  copyFileSync(join(repository, "proto", "openapi.json"), join(outDir, "proto", "openapi.json"));
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
