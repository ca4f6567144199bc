import { rmSync, writeFileSync } from "node:fs";
import { Trouble } from "../trouble.ts";
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

/** The results of an earlier run are not those of this one. @throws Trouble where nothing can be written there */
export function clearResults(file: string): void {
  orTrouble(file, () => rmSync(file, { force: true }));
}

/** @throws Trouble */
export function writeResults(file: string, lines: readonly string[]): void {
  orTrouble(file, () => writeFileSync(file, `${lines.join("\n")}\n`));
}

function orTrouble(file: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Trouble(`--out ${file} cannot be written: ${why}`, { cause: error });
  }
}
