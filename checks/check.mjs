// `npm run check`: every check of the repository that starts no service and runs no test. Each step prints
// only what is wrong.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { documentationSteps } from "./documentation.mjs";
import { wrongImports } from "./import-directions.mjs";
import { lostTimeOuts } from "./lost-time-outs.mjs";
import { wrongShapes } from "./source-shape.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const env = { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}`, NO_COLOR: "1" };

/**
 * @typedef {{ name: string, run: () => string | Promise<string> }} Step `run` returns what is wrong, empty
 * when all is well.
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {string} its output if it failed, else an empty text
 */
function said(command, args, cwd = root) {
  const done = spawnSync(command, args, { cwd, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return "";
  return (
    `${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}` ||
    `${command} ended with ${done.status}`
  );
}

/** @param {string[]} args */
function git(args) {
  const done = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return done.status === 0 ? done.stdout.trim() : "";
}

/** The generated code fits the contract: buf generates it again in a temporary folder, diff compares. */
function generatedIsFresh() {
  const copy = mkdtempSync(join(tmpdir(), "coupon-generated-"));
  try {
    for (const part of ["proto", "buf.yaml", "buf.gen.yaml"])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    return (
      said("buf", ["generate"], copy) ||
      said("diff", ["-r", join(copy, "proto", "gen"), join(root, "proto", "gen")])
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The OpenAPI document fits the contract: it is made again and compared. */
async function openApiIsFresh() {
  const { openApiText } = await import("../openapi/read-contract.ts");
  return (await openApiText()) === read("proto/openapi.json")
    ? ""
    : "proto/openapi.json is not what the contract makes of it: npm run generate";
}

/**
 * Clients outside this repository use the contract: it stays compatible with the commit that introduced it.
 */
function contractIsKept() {
  const [introduced = ""] = git([
    "log",
    "--diff-filter=A",
    "--format=%H",
    "--",
    "proto/coupon/v1/campaign.proto",
  ])
    .split("\n")
    .slice(-1);
  if (introduced === "") return "";
  return said("buf", ["breaking", "--against", `.git#ref=${introduced}`]);
}

/** All files that are or would be tracked. */
const files = git(["ls-files", "--cached", "--others", "--exclude-standard"])
  .split("\n")
  .filter((file) => existsSync(join(root, file)));

/** @param {string} file */
const read = (file) => readFileSync(join(root, file), "utf8");

/** Exact versions only, and lock files without addresses. */
function pinsAreExact() {
  const wrong = [];
  for (const file of ["package.json", "artillery/package.json"]) {
    const manifest = JSON.parse(readFileSync(join(root, file), "utf8"));
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies"]) {
      for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
        if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
          wrong.push(`${file}: ${name} is not pinned: ${version}`);
      }
    }
    const lock = readFileSync(join(root, file.replace("package.json", "package-lock.json")), "utf8");
    if (/"resolved"\s*:\s*"https?:/.test(lock)) wrong.push(`${file}: the lock file holds download addresses`);
  }
  return wrong.join("\n");
}

/** No page has a placeholder left. */
function nothingIsLeftBlank() {
  return git(["grep", "-nE", "@@[A-Z_]+@@", "--", "*.md"]);
}

/** @type {Step[]} */
const steps = [
  { name: "types (tsc, strictest)", run: () => said("tsc", ["--noEmit", "-p", "."]) },
  {
    name: "lint and format (biome)",
    run: () => said("biome", ["ci", "--colors=off", "--error-on-warnings", "."]),
  },
  { name: "imports point one way", run: () => wrongImports(files, read).join("\n") },
  { name: "no time-out is lost", run: () => lostTimeOuts(files, read).join("\n") },
  { name: "files are short, comments wrap", run: () => wrongShapes(files, read).join("\n") },
  { name: "contract style (buf lint)", run: () => said("buf", ["lint"]) },
  { name: "contract format (buf format)", run: () => said("buf", ["format", "--diff", "--exit-code"]) },
  { name: "contract kept (buf breaking)", run: contractIsKept },
  { name: "generated code fresh", run: generatedIsFresh },
  { name: "OpenAPI document fresh", run: openApiIsFresh },
  { name: "exact pins", run: pinsAreExact },
  ...documentationSteps(root, files),
  { name: "nothing left blank", run: nothingIsLeftBlank },
];

let failed = 0;
for (const { name, run } of steps) {
  const wrong = await run();
  process.stdout.write(`${wrong === "" ? "ok  " : "FAIL"} ${name}\n`);
  if (wrong !== "") {
    failed++;
    process.stdout.write(`${wrong.trimEnd()}\n`);
  }
}
process.stdout.write(failed === 0 ? "check: clean\n" : `check: ${failed} of ${steps.length} failed\n`);
process.exit(failed === 0 ? 0 : 1);
