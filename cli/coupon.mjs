#!/usr/bin/env node
// The launcher. Where there is only a build (an installed package, an image), it runs that. In a clone it
// runs dist/ if that was built from the present sources, because it starts in a fraction of the time, else
// the sources through tsx: so an old build never hides an edit. It imports no package, so that it can report
// what is wrong in a clone where nothing is installed yet.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isFresh } from "./build-stamp.mjs";

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

/** The main.js to run, or undefined: the sources. */
function builtMain() {
  const own = beside("./main.js");
  if (existsSync(own)) return own;
  const packed = beside("../dist/cli/main.js");
  if (!existsSync(beside("./main.ts"))) return packed;
  const fresh = isFresh(fileURLToPath(beside("..")), fileURLToPath(beside("../dist")));
  return fresh ? packed : undefined;
}

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`coupon: Node.js 20.19 or newer is needed, this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const built = builtMain();
  if (built !== undefined) {
    if (process.env["COUPON_DEBUG"] === "1") process.setSourceMapsEnabled(true);
    await import(built.href);
  } else if (!["commander", "tsx"].every(isInstalled)) {
    const clone = fileURLToPath(beside(".."));
    process.stderr.write(`coupon: its packages are not installed; run "npm ci" in ${clone} and try again\n`);
    process.exitCode = 1;
  } else {
    // tsx would otherwise read the tsconfig.json of the current folder.
    process.env["TSX_TSCONFIG_PATH"] ??= fileURLToPath(beside("../tsconfig.json"));
    const { register } = await import("tsx/esm/api");
    register();
    await import(beside("./main.ts").href);
  }
}
