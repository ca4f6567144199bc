import { renameSync, statSync, writeFileSync } from "node:fs";
import { parse, resolve } from "node:path";
import { orTrouble } from "../output-file.ts";
import type { Sent } from "./send.ts";

/** One line for each request, with its outcome. */
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
  /** The file to which the earlier run's results were moved; undefined: there were none. */
  readonly earlier: string | undefined;
  write(lines: readonly string[]): void;
};

/**
 * The file always belongs to the newest run, from its beginning on. The file of an earlier run is moved
 * aside, to a name with the time at which it was written.
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
  // /dev/stdout and other devices have no content to keep.
  if (there === undefined || !there.isFile() || there.size === 0) return undefined;
  const { dir, name, ext } = parse(file);
  const aside = resolve(dir, `${name}.${there.mtime.toISOString().replace(/[:.]/g, "-")}${ext}`);
  renameSync(file, aside);
  return aside;
}
