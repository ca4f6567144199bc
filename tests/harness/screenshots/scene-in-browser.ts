import { type Browser, chromium } from "playwright-core";
import type { Releases } from "../../../bench/releases.ts";
import { removeBuiltProduct } from "../../../local/built.ts";
import { chromiumProgram } from "../../../setup/chromium.mjs";
import { HANG_MS } from "../../support/patience.ts";
import { openScene, type PhotographedScene } from "./scene.ts";

/** Opens the scene and a browser to look at it; `releases` closes both. @throws where there is no Chromium */
export async function openSceneInBrowser(
  releases: Releases,
): Promise<{ readonly scene: PhotographedScene; readonly browser: Browser }> {
  releases.add("build", removeBuiltProduct);
  const scene = await openScene();
  releases.add("scene", () => scene.close());
  const executablePath = chromiumProgram();
  if (executablePath === undefined)
    throw new Error("no chromium on the PATH: run `npm run setup -- --browser`");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], timeout: HANG_MS });
  releases.add("browser", () => browser.close());
  return { scene, browser };
}
