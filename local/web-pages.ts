import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stampOf } from "../cli/build-stamp.mjs";
import { runBounded } from "./built.ts";
import { repositoryDir } from "./repository.ts";

const FOLDER = join(repositoryDir, "web", "dist");
const STAMP = join(FOLDER, "built-from.txt");
const PAGES = join(repositoryDir, "web");
/** What the pages are made of: they import the rooms that checks/import-directions.mjs lets `web` import. */
const SOURCES = [
  ...["web/build.mjs", "web/console", "web/launch", "client", "operator", "proto"],
  ...["package.json", "package-lock.json"],
];
/** A bound against hanging: a build takes two seconds, on a very busy machine half a minute. */
const BUILD_MS = 120_000;

/** Builds the pages for browsers into web/dist, unless they were built from the sources as they are. */
export async function haveWebPages(say: (text: string) => void): Promise<void> {
  // Taken first, so that a file that is edited during the build makes the build stale.
  const stamp = stampOf(repositoryDir, SOURCES);
  if (stampIn(STAMP) === stamp) return;
  say("building the pages for browsers …");
  await runBounded([join(PAGES, "build.mjs")], BUILD_MS);
  writeFileSync(STAMP, stamp);
}

function stampIn(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
