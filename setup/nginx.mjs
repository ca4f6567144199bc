import { existsSync } from "node:fs";
import { programOnPath } from "../local/program.mjs";
import { installPackage } from "./package.mjs";

/** Where Debian installs nginx; not every user has that folder on PATH. */
const DEBIAN = "/usr/sbin/nginx";

/** @returns {string | undefined} */
export function nginxProgram() {
  return programOnPath("nginx") ?? (existsSync(DEBIAN) ? DEBIAN : undefined);
}

export function isNginxHere() {
  return nginxProgram() !== undefined;
}

export function installNginx() {
  return installPackage({
    what: "nginx",
    debianPackage: "nginx",
    service: "nginx",
    isHere: isNginxHere,
    instead: "Install nginx yourself (on PATH). Only the test of a rolling restart needs it.",
  });
}
