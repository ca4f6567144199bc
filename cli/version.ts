import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The version in the package.json that this file belongs to: the sources and the build lie at different
 * depths below it.
 */
export function version(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, "package.json");
    if (existsSync(file))
      return String(Object(JSON.parse(readFileSync(file, "utf8")))["version"] ?? "unknown");
    const above = dirname(folder);
    if (above === folder) return "unknown";
    folder = above;
  }
}
