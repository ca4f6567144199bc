import { existsSync } from "node:fs";
import { programOnPath } from "../local/program.mjs";
import { installPackage } from "./package.mjs";

/** Where Debian installs haproxy; not every user has that folder on PATH. */
const DEBIAN = "/usr/sbin/haproxy";

/** @returns {string | undefined} */
export function haproxyProgram() {
  return programOnPath("haproxy") ?? (existsSync(DEBIAN) ? DEBIAN : undefined);
}

export function isHaproxyHere() {
  return haproxyProgram() !== undefined;
}

export function installHaproxy() {
  return installPackage({
    what: "haproxy",
    debianPackage: "haproxy",
    service: "haproxy",
    isHere: isHaproxyHere,
    instead: "Install haproxy yourself (on PATH). Only the tests of the deployment need it.",
  });
}
