import { existsSync, readFileSync } from "node:fs";

/** The version in package.json, which is beside the rooms in a clone and beside `dist` in a build. */
export function productVersion(): string {
  for (const above of ["../package.json", "../../package.json", "../../../package.json"]) {
    const file = new URL(above, import.meta.url);
    if (!existsSync(file)) continue;
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : "unknown";
  }
  return "unknown";
}
