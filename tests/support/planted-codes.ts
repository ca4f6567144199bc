import { once } from "node:events";
import { createWriteStream } from "node:fs";

/** A row of a file of codes, and what the command says of it; undefined: nothing. */
export type PlantedRow = {
  readonly text: string;
  readonly fault?: { readonly fault: string; readonly words: string };
};

const LETTERS = "BCDFGHJKMPQRTVWXY";

/** The same code for the same number, another for another. */
export function codeOf(n: number, prefix = "PARTNER"): string {
  let code = "";
  for (let rest = n, i = 0; i < 7; i += 1, rest = Math.floor(rest / 17)) code = LETTERS[rest % 17] + code;
  return prefix + code;
}

/**
 * Writes a CSV of so many codes, a heading before them, in which every `every`th row has a fault of one of
 * five kinds in turn. `clashing` codes belong to `campaignId`. Returns what has to be told, by line.
 */
export async function writePlanted(
  path: string,
  {
    count,
    every,
    clashing,
    campaignId,
  }: {
    readonly count: number;
    readonly every: number;
    readonly clashing: readonly string[];
    readonly campaignId: string;
  },
): Promise<{ line: number; fault: string; words: string }[]> {
  const file = createWriteStream(path);
  const expected: { line: number; fault: string; words: string }[] = [];
  let text = "note,code\n";
  for (let row = 0; row < count; row += 1) {
    const line = row + 2;
    const nth = row / every;
    let code = codeOf(row);
    if (row > 0 && Number.isInteger(nth)) {
      const kind = nth % 5;
      const fault = (name: string, words: string) => expected.push({ line, fault: name, words });
      if (kind === 0) {
        // Written in another way: it is the same code.
        code = `partner-${codeOf(row - 1, "").toLowerCase()}`;
        fault("duplicate", `has the code of line ${line - 1}`);
      } else if (kind === 1) {
        code = clashing[nth % clashing.length] ?? "";
        fault("clash", `has a code of ${campaignId}`);
      } else if (kind === 2) {
        code = `${code.slice(0, 4)}_${code.slice(4)}`;
        fault(
          "bad-character",
          'has "_" (U+005F) at position 5, which is no Hangul syllable, letter A to Z or digit',
        );
      } else if (kind === 3) {
        code = "B".repeat(33);
        fault("too-long", "has more than 32 characters");
      } else {
        code = " - ";
        fault("empty", "has no code");
      }
    }
    text += `n${row},${code}\n`;
    if (text.length > 64 * 1024) {
      if (!file.write(text)) await once(file, "drain");
      text = "";
    }
  }
  file.end(text);
  await once(file, "finish");
  return expected;
}
