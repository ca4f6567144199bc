import type { Words } from "../i18n/words.ts";
import { textProblem } from "./text-rules.ts";

const ENTRIES_MAX = 20;
const VALUE_MAX = 500;
const KEY = /^[a-z0-9][a-z0-9_.-]{0,39}$/;

/** The lines that say something: each is `key=value`, with its number in the text. */
function linesOf(text: string): { readonly key: string; readonly value: string; readonly line: number }[] {
  return text.split("\n").flatMap((line, at) => {
    const whole = line.trim();
    if (whole === "") return [];
    const sign = whole.indexOf("=");
    const key = sign < 0 ? "" : whole.slice(0, sign).trim();
    return [{ key, value: whole.slice(sign + 1).trim(), line: at + 1 }];
  });
}

/** What is wrong with the lines by the service's rules; undefined: nothing. */
export function metadataProblem(text: string, words: Pick<Words, "t">): string | undefined {
  const { t } = words;
  const lines = linesOf(text);
  const seen = new Set<string>();
  for (const { key, value, line } of lines) {
    if (!KEY.test(key)) return t("text.metadataLine", { line });
    if (seen.has(key)) return t("text.metadataTwice", { line, key });
    seen.add(key);
    const problem = textProblem(value, VALUE_MAX, words);
    if (problem !== undefined) return t("text.metadataValue", { line, problem });
  }
  return lines.length > ENTRIES_MAX ? t("text.metadataMany", { max: ENTRIES_MAX }) : undefined;
}

export function metadataOf(text: string): Record<string, string> {
  return Object.fromEntries(linesOf(text).map(({ key, value }) => [key, value]));
}
