import { Command as Program } from "commander";
import type { Command } from "./command.ts";
import { Input } from "./command.ts";
import { create } from "./commands/create.ts";
import { exportCoupons } from "./commands/export.ts";
import { find } from "./commands/find.ts";
import { get } from "./commands/get.ts";
import { issue } from "./commands/issue.ts";
import { list } from "./commands/list.ts";
import { status } from "./commands/status.ts";
import { watch } from "./commands/watch.ts";
import { exitCodeMeanings } from "./exit-code.ts";
import type { GlobalOptions } from "./settings.ts";

export const commands: readonly Command[] = [create, get, list, watch, exportCoupons, issue, find, status];

/** What the operator asked for. */
export interface Chosen {
  readonly command: Command;
  readonly input: Input;
  readonly globals: GlobalOptions;
}

export interface ProgramIo {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** Commander reads and explains the arguments; nothing runs in it. Throws CommanderError for help and for wrong usage. */
export async function readArguments(args: readonly string[], io: ProgramIo): Promise<Chosen | undefined> {
  let chosen: Chosen | undefined;
  const program = new Program("coupon");
  program
    .description("Create, watch and claim first-come-first-served coupon campaigns.")
    .option("--url <url>", "the service (env COUPON_URL, default http://127.0.0.1:8080)")
    .option("--token <token>", "the operators' bearer token (better: env COUPON_TOKEN, ps shows arguments)")
    .option("--json", "results as JSON on standard output, everything else as JSON lines on standard error")
    .option("--timeout <ms>", "for each try of a call, and the longest silence of a stream (default 10000)")
    .option("--retries <n>", "tries after the first while the service is unavailable (default 5, streams 20)")
    .option("--no-color", "no colours (also env NO_COLOR)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput(io)
    .exitOverride()
    .addHelpText("after", helpAfter);
  for (const command of commands) {
    const verb = program.command(command.name).summary(command.summary).description(`${command.summary}.`);
    if (command.takesCampaign) verb.argument("<campaign-id>", "as coupon list shows it");
    for (const option of command.options) verb.option(option.flags, option.about);
    verb.addHelpText("after", examplesOf(command));
    verb.action((...given: unknown[]) => {
      const campaignId = command.takesCampaign ? String(given[0]) : "";
      chosen = { command, input: new Input(campaignId, verb.opts()), globals: program.opts() };
    });
  }
  await program.parseAsync([...args], { from: "user" });
  return chosen;
}

function examplesOf(command: Command): string {
  const examples = command.examples.map((example) => `  ${example}\n`).join("");
  return `\nExamples:\n${examples}${command.notes === undefined ? "" : `\n${command.notes}\n`}`;
}

const exitCodeLines = Object.entries(exitCodeMeanings)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}\n`)
  .join("");

const helpAfter = `
Examples:
  coupon create --name Christmas --total 1000 --start "2026-12-24 20:00 Asia/Seoul" --one-per-user
  coupon watch 01JEXAMPLE
  coupon issue 01JEXAMPLE --user alice
  coupon export 01JEXAMPLE --out winners.csv

Exit codes:
${exitCodeLines}
coupon <command> --help explains one command. COUPON_DEBUG=1 shows where an error comes from.
`;
