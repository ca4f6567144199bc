#!/usr/bin/env node
// The launcher: in a clone it runs the sources through tsx, so that an old build never hides an edit; where only the build is, that.
// It imports nothing at the top, so that it can say what is wrong in a clone where nothing is installed yet.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @param {string} path */
const beside = (path) => new URL(path, import.meta.url);

/** @param {string} name */
function isInstalled(name) {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
// A copy of this file also lands in dist/cli, where main.js is its neighbour.
const built = beside("./main.js");
const fromSource = !existsSync(built);
const needed = fromSource ? ["commander", "tsx"] : ["commander"];

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`coupon: Node.js 20.19 or newer is needed, this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else if (!needed.every(isInstalled)) {
  const clone = fileURLToPath(beside(".."));
  process.stderr.write(`coupon: its packages are not installed; run "npm ci" in ${clone} and try again\n`);
  process.exitCode = 1;
} else if (fromSource) {
  // tsx would otherwise read the tsconfig.json of whatever folder the operator stands in.
  process.env["TSX_TSCONFIG_PATH"] ??= fileURLToPath(beside("../tsconfig.json"));
  const { register } = await import("tsx/esm/api");
  register();
  await import(beside("./main.ts").href);
} else {
  await import(built.href);
}
