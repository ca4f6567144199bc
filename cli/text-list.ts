import type { Input } from "./command.ts";

/** "--types a,b" → the texts between the commas; undefined: not given. */
export function listOf(input: Input, option: string): string[] | undefined {
  return input
    .text(option)
    ?.split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");
}
