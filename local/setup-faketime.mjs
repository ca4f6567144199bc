import { existsSync } from "node:fs";
import { programOnPath } from "./program.mjs";
import { runCommand } from "./setup-command.mjs";
import { SetupError } from "./setup-error.mjs";

const INSTEAD =
  "Install libfaketime yourself (Debian: the package faketime). Only the rounds with wrong clocks need it.";

/** Debian's places for the library that lies about the time to one process. */
const LIBRARIES = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/faketime/libfaketimeMT.so.1",
];

/** @returns {string | undefined} */
export function faketimeLibrary() {
  return LIBRARIES.find((path) => existsSync(path));
}

export function isFaketimeHere() {
  return faketimeLibrary() !== undefined;
}

export async function installFaketime() {
  if (programOnPath("apt-get") === undefined) {
    throw new SetupError(
      `libfaketime is not here and this system has no apt-get to install it with. ${INSTEAD}`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `libfaketime is not here and installing it needs root: run \`sudo apt-get install faketime\`. Or: ${INSTEAD}`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=120"];
  await runCommand("apt-get", ["update", ...wait], { env, advice: INSTEAD });
  await runCommand("apt-get", ["install", "-y", "--no-install-recommends", "faketime", ...wait], {
    env,
    advice: INSTEAD,
  });
  if (!isFaketimeHere()) {
    throw new SetupError(`apt-get installed faketime, but its library is not where it belongs. ${INSTEAD}`);
  }
}
