import { existsSync, readFileSync } from "node:fs";

/**
 * The version in package.json, which is beside the rooms in a clone and beside `dist` in a build; of a build
 * with the id that tells it apart from others of that version, as in `0.2.0+1f3a9c2d`.
 */
export function productVersion(): string {
  const id = textOf("../build-id.txt");
  return `${packageVersion()}${id === undefined ? "" : `+${id.trim()}`}`;
}

function packageVersion(): string {
  for (const above of ["../package.json", "../../package.json", "../../../package.json"]) {
    const text = textOf(above);
    if (text === undefined) continue;
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === "string" ? version : "unknown";
  }
  return "unknown";
}

function textOf(path: string): string | undefined {
  const file = new URL(path, import.meta.url);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
