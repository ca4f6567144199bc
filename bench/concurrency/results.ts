import { renameSync, statSync, writeFileSync } from "node:fs";
import { parse, resolve } from "node:path";
import { orTrouble } from "../output-file.ts";
import type { Sent } from "./send.ts";

/** What each request got, one a line. */
export function resultLines(sent: readonly Sent[]): string[] {
  const width = String(sent.length).length;
  return sent.map(({ user, server, outcome, tries, tookMs }, index) => {
    const number = String(index + 1).padStart(width);
    const took = `${tookMs.toFixed(0)} ms${tries === 1 ? "" : `, ${tries} tries`}`;
    const got =
      outcome.kind === "issued"
        ? `coupon ${outcome.code} (number ${outcome.seq})`
        : outcome.kind === "refused"
          ? outcome.reason
          : `no clear answer: ${outcome.message}`;
    return `${number}  ${user}  server ${server}  ${got}  ${took}`;
  });
}

export type Results = {
  readonly file: string;
  /** Where those of the run before are now; undefined: there were none. */
  readonly earlier: string | undefined;
  write(lines: readonly string[]): void;
};

/**
 * The file is always of the newest run, from its begin on, and each earlier run keeps its own beside it,
 * under the time at which it was written.
 * @throws Trouble where nothing can be written there
 */
export function openResults(out: string): Results {
  const file = resolve(out);
  const write = (lines: readonly string[]) =>
    orTrouble("--out", file, () => writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 }));
  const earlier = orTrouble("--out", file, () => moveAside(file));
  write(["concurrency: NOT JUDGED, this run has not come to its end"]);
  return { file, earlier, write };
}

function moveAside(file: string): string | undefined {
  const there = statSync(file, { throwIfNoEntry: false });
  // /dev/stdout and its like hold nothing.
  if (there === undefined || !there.isFile() || there.size === 0) return undefined;
  const { dir, name, ext } = parse(file);
  const aside = resolve(dir, `${name}.${there.mtime.toISOString().replace(/[:.]/g, "-")}${ext}`);
  renameSync(file, aside);
  return aside;
}
