/**
 * `npm run screenshots`: photographs the console and the launch page, on stores and a service of its own, for
 * docs/images. Exit codes: 0 done, 1 a picture is too large, 2 could not run.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseFlags } from "../../../bench/parse-flags.ts";
import { runCommand } from "../../../bench/run-command.ts";
import { repositoryDir } from "../../../local/repository.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openSceneInBrowser } from "./scene-in-browser.ts";
import { SHOTS } from "./shots.ts";

const USAGE = `usage: npm run screenshots -- [--out FOLDER] [--only PART] [--help]

  --out FOLDER  default docs/images
  --only PART   those whose name contains it`;

/** A page of documentation must load fast. */
const BYTES_MAX = 100_000;

await runCommand("screenshots", async ({ releases, controller: { signal } }) => {
  const string = { type: "string" } as const;
  const { out, only, help } = parseFlags(process.argv.slice(2), {
    ...{ out: string, only: string },
    help: { type: "boolean", default: false },
  });
  if (help) return { exitCode: 0, lastWord: USAGE };
  const folder = out ?? join(repositoryDir, "docs", "images");
  mkdirSync(folder, { recursive: true });

  const { scene, browser } = await openSceneInBrowser(releases);

  let isTooLarge = false;
  for (const { name, take, ...options } of SHOTS.filter((shot) => shot.name.includes(only ?? ""))) {
    signal.throwIfAborted();
    const context = await browser.newContext({
      ...options,
      timezoneId: "Asia/Seoul",
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(HANG_MS);
    await take(page, scene);
    const picture = await page.screenshot({ type: "png" });
    await context.close();
    writeFileSync(join(folder, `${name}.png`), picture);
    isTooLarge ||= picture.length > BYTES_MAX;
    const size = `${(picture.length / 1_000).toFixed(1)} kB`;
    process.stdout.write(`${name}.png: ${size}${picture.length > BYTES_MAX ? ", too large" : ""}\n`);
  }
  return { exitCode: isTooLarge ? 1 : 0 };
});
