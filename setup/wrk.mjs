import { programOnPath } from "../local/program.mjs";
import { installPackage } from "./package.mjs";

export function isWrkHere() {
  return programOnPath("wrk") !== undefined;
}

export function installWrk() {
  return installPackage({
    what: "wrk",
    debianPackage: "wrk",
    isHere: isWrkHere,
    instead: "Install wrk yourself (on PATH). Only the benchmarks need it.",
  });
}
