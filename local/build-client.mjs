// `npm run build:client`: builds the package coupon-client into client/dist, ready for `npm pack`. Or
// `build-client.mjs FOLDER`. Fails where the path of a claim, with all that it needs, is too large.
import { execFile } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { makeFolder } from "./make-folder.mjs";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("..", import.meta.url));
/** Of the claim path, minified and compressed, with @bufbuild/protobuf and @connectrpc/connect. */
const GZIPPED_BYTES_MAX = 25_000;
/** Where all browsers of the last years are. */
const TARGET = "es2022";

const CLAIM_PATH = `
import { createCouponClient } from "./coupon-client.js";
globalThis.claim = (id, options) => createCouponClient({ baseUrl: "" }).claim(id, options);
`;

/** @param {string} folder */
async function buildClient(folder) {
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  await Promise.all([bundle(folder), declare(folder)]);
  copyFileSync(join(repository, "client", "package.json"), join(folder, "package.json"));
  copyFileSync(join(repository, "docs", "client.md"), join(folder, "README.md"));
  copyFileSync(join(repository, "LICENSE"), join(folder, "LICENSE"));
  return gzippedBytesOf(folder);
}

/**
 * One file, not minified, that imports the packages it depends on: the bundler of the page drops what that
 * page does not use.
 *
 * @param {string} folder
 */
async function bundle(folder) {
  await build({
    absWorkingDir: repository,
    entryPoints: ["client/coupon-client.ts"],
    outfile: join(folder, "coupon-client.js"),
    bundle: true,
    packages: "external",
    platform: "neutral",
    format: "esm",
    target: TARGET,
    logLevel: "warning",
  });
}

/**
 * The types, and those of the contract that they name.
 *
 * @param {string} folder
 */
async function declare(folder) {
  const types = join(folder, "types");
  const tsc = join(repository, "node_modules", ".bin", "tsc");
  await run(tsc, ["-p", "client/tsconfig.build.json", "--outDir", types], { cwd: repository });
  const files = readdirSync(types, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".d.ts"),
  );
  // The compiler leaves the sources' names in declarations.
  for (const file of files) {
    const text = readFileSync(join(types, file), "utf8");
    writeFileSync(join(types, file), text.replaceAll(/(from|import)(\s*\(?\s*"\.[^"]*)\.ts"/g, '$1$2.js"'));
  }
}

/** @param {string} folder */
async function gzippedBytesOf(folder) {
  const { outputFiles } = await build({
    stdin: { contents: CLAIM_PATH, resolveDir: folder },
    // A folder outside the repository has no packages of its own.
    nodePaths: [join(repository, "node_modules")],
    bundle: true,
    minify: true,
    write: false,
    platform: "browser",
    format: "esm",
    target: TARGET,
    logLevel: "warning",
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

const [folder = join(repository, "client", "dist")] = process.argv.slice(2);

try {
  const bytes = await buildClient(folder);
  process.stdout.write(`client: the claim path is ${bytes} bytes gzipped, of at most ${GZIPPED_BYTES_MAX}\n`);
  if (bytes > GZIPPED_BYTES_MAX) process.exitCode = 1;
} catch (error) {
  const { stdout = "", message = String(error) } = Object(error);
  process.stderr.write(`build:client: ${stdout || message}\n`);
  process.exitCode = 1;
}
