import { Option, Command as Program } from "commander";
import type { Command, OptionSpec } from "./command.ts";
import { Input } from "./command.ts";
import { add } from "./commands/add.ts";
import { cancel } from "./commands/cancel.ts";
import { completion } from "./commands/completion.ts";
import { config } from "./commands/config.ts";
import { create } from "./commands/create.ts";
import { edit } from "./commands/edit.ts";
import { end } from "./commands/end.ts";
import { exportCoupons } from "./commands/export.ts";
import { find } from "./commands/find.ts";
import { formats } from "./commands/formats.ts";
import { get } from "./commands/get.ts";
import { history } from "./commands/history.ts";
import { issue } from "./commands/issue.ts";
import { launch } from "./commands/launch.ts";
import { list } from "./commands/list.ts";
import { pause } from "./commands/pause.ts";
import { preflight } from "./commands/preflight.ts";
import { rehearse } from "./commands/rehearse.ts";
import { reschedule } from "./commands/reschedule.ts";
import { resume } from "./commands/resume.ts";
import { stats } from "./commands/stats.ts";
import { status } from "./commands/status.ts";
import { verify } from "./commands/verify.ts";
import { watch } from "./commands/watch.ts";
import { exitCodeMeanings } from "./exit-code.ts";
import type { GlobalOptions } from "./settings.ts";
import { version } from "./version.ts";
import { filled, wrapped } from "./wrap.ts";

export const commands: readonly Command[] = [
  create,
  get,
  list,
  preflight,
  launch,
  watch,
  pause,
  resume,
  reschedule,
  add,
  edit,
  end,
  cancel,
  history,
  exportCoupons,
  issue,
  find,
  status,
  verify,
  rehearse,
  formats,
  stats,
  config,
  completion,
];

/** The options that every verb takes. */
export const globalOptions: readonly OptionSpec[] = [
  { flags: "--url <url>", about: "the service (env COUPON_URL, default http://127.0.0.1:8080)" },
  {
    flags: "--token <token>",
    about: "the operators' bearer token (better: env COUPON_TOKEN or the config file, ps shows arguments)",
  },
  {
    flags: "--profile <name>",
    about: "which profile of the config file (env COUPON_PROFILE); see coupon config --help",
  },
  {
    flags: "--json",
    about: "results as JSON on standard output, everything else as JSON lines on standard error",
  },
  {
    flags: "--timeout <ms>",
    about: "for each try of a call, and the longest silence of a stream (env COUPON_TIMEOUT, default 10000)",
  },
  {
    flags: "--retries <n>",
    about:
      "tries after the first while the service is unavailable (env COUPON_RETRIES, default 5, streams 20)",
  },
  { flags: "--no-color", about: "no colours (also env NO_COLOR)" },
];

/** What the operator asked for. */
export interface Chosen {
  readonly command: Command;
  readonly input: Input;
  readonly globals: GlobalOptions;
}

export interface ProgramIo {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  /** How wide help may be. */
  readonly columns: number;
}

/** Commander reads and explains the arguments; nothing runs in it. Throws CommanderError for help and for wrong usage. */
export async function readArguments(args: readonly string[], io: ProgramIo): Promise<Chosen | undefined> {
  let chosen: Chosen | undefined;
  const program = new Program("coupon");
  program
    .description("Create, watch and claim first-come-first-served coupon campaigns.")
    .version(`coupon ${version()}`, "--version", "the version of this command")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ ...io, getOutHelpWidth: () => io.columns, getErrHelpWidth: () => io.columns })
    .exitOverride()
    .addHelpText("after", helpAfter(io.columns));
  for (const option of globalOptions) program.option(option.flags, option.about);
  for (const command of commands) {
    const verb = program.command(command.name).summary(command.summary).description(`${command.summary}.`);
    const { argument } = command;
    if (command.takesCampaign === "optional") verb.argument("[campaign-id]", "as coupon list shows it");
    else if (command.takesCampaign) verb.argument("<campaign-id>", "as coupon list shows it");
    else if (argument !== undefined) verb.argument(`<${argument.name}>`, argument.about);
    for (const { flags, about, hidden } of command.options) {
      verb.addOption(new Option(flags, about).hideHelp(hidden === true));
    }
    verb.addHelpText("after", examplesOf(command, io.columns));
    verb.action((...given: unknown[]) => {
      const first = typeof given[0] === "string" ? given[0] : undefined;
      chosen = { command, input: new Input(first, verb.opts()), globals: program.opts() };
    });
  }
  await program.parseAsync([...args], { from: "user" });
  return chosen;
}

function examplesOf(command: Command, columns: number): string {
  const examples = command.examples.map((example) => `  ${example}\n`).join("");
  return `\nExamples:\n${examples}${command.notes === undefined ? "" : `\n${wrapped(command.notes, columns)}\n`}`;
}

const exitCodeIndent = " ".repeat(7);

function helpAfter(columns: number): string {
  const exitCodeLines = Object.entries(exitCodeMeanings)
    .map(
      ([code, meaning]) =>
        `  ${code.padStart(3)}  ${filled(meaning, columns - exitCodeIndent.length, exitCodeIndent)}\n`,
    )
    .join("");
  const more =
    "coupon <command> --help explains one command. coupon completion --help teaches your shell to complete them. " +
    "COUPON_DEBUG=1 shows where an error comes from.";
  return `
Examples:
  coupon create --name Christmas --total 1000 --start "2026-12-24 20:00 Asia/Seoul" --one-per-user
  coupon watch 01JEXAMPLE
  coupon issue 01JEXAMPLE --user alice
  coupon export 01JEXAMPLE --out winners.csv

Exit codes:
${exitCodeLines}
${wrapped(more, columns)}
`;
}
