import type { Input } from "./command.ts";
import { printable } from "./render.ts";
import { UserError } from "./user-error.ts";

/** `--meta channel=app --meta owner=kim` as the request has it. */
export function metadataOf(input: Input, option = "--meta"): Record<string, string> {
  const found = new Map<string, string>();
  for (const text of input.texts(option)) {
    const at = text.indexOf("=");
    if (at < 1 || at === text.length - 1)
      throw new UserError(`${option}: "${printable(text)}" is none`, { hint: `give ${option} channel=app` });
    const key = text.slice(0, at);
    if (found.has(key)) throw new UserError(`${option}: ${printable(key)} is given twice`);
    found.set(key, text.slice(at + 1));
  }
  return Object.fromEntries(found);
}
