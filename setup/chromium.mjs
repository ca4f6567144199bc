import { existsSync } from "node:fs";
import { programOnPath } from "../local/program.mjs";
import { installPackage } from "./package.mjs";

/** A font with Hangul: without one, a screenshot shows boxes in place of codes. */
const HANGUL_FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";

/** @returns {string | undefined} */
export function chromiumProgram() {
  return programOnPath("chromium");
}

export function isChromiumHere() {
  return chromiumProgram() !== undefined && existsSync(HANGUL_FONT);
}

export async function installChromium() {
  const instead = "Install chromium and fonts-noto-cjk yourself. Only the tests of the pages need them.";
  const wanted = [
    { what: "chromium", isHere: () => chromiumProgram() !== undefined },
    { what: "fonts-noto-cjk", isHere: () => existsSync(HANGUL_FONT) },
  ];
  for (const { what, isHere } of wanted)
    if (!isHere()) await installPackage({ what, debianPackage: what, isHere, instead });
}
