import { existsSync } from "node:fs";
import { installPackage } from "./package.mjs";

/** Where Debian installs libfaketime, the library that gives one process a wrong clock. */
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

export function installFaketime() {
  return installPackage({
    what: "libfaketime",
    debianPackage: "faketime",
    isHere: isFaketimeHere,
    instead:
      "Install libfaketime yourself (Debian: the package faketime). Only tests and rounds with wrong clocks need it.",
  });
}
