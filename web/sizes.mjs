import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A page is served at the path of its name. */
export const PAGES = ["console", "launch"];

/**
 * What a browser loads of each page, in bytes as sent with gzip.
 *
 * @param {string} folder
 */
export function sizesOf(folder) {
  return PAGES.map((page) => {
    const names = readdirSync(join(folder, page), { recursive: true, encoding: "utf8" });
    const files = names.filter((name) => /\.(html|js|css|svg)$/.test(name));
    const bytes = files.reduce((sum, name) => {
      const file = join(folder, page, name);
      return sum + readFileSync(existsSync(`${file}.gz`) ? `${file}.gz` : file).length;
    }, 0);
    return { page, files: files.length, bytes };
  });
}
