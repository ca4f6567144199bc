import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../../local/repository.ts";

/**
 * The blocks of code of a page of documentation, in order, as a reader copies them.
 * @param page its path in the repository
 * @param language as behind the three backquotes
 */
export function documentedCode(page: string, language: string): string[] {
  const text = readFileSync(join(repositoryDir, page), "utf8");
  const blocks = text.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return [...blocks].filter(([, kind]) => kind === language).map(([, , code = ""]) => code);
}

/** The script of a page whose first line is a comment with its name. */
export function documentedScript(page: string, name: string): string {
  const found = documentedCode(page, "js").find((code) => code.startsWith(`// ${name}\n`));
  if (found === undefined) throw new Error(`${page} has no ${name}`);
  return found;
}
