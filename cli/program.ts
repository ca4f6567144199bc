import { CommanderError, Option, Command as Program } from "commander";
import type { Command } from "./command.ts";
import { Input } from "./command.ts";
import { withDryRunMode } from "./dry-run-mode.ts";
import { exitCodeMeanings, exitCodes } from "./exit-code.ts";
import type { Failure } from "./failure.ts";
import { spelledAs } from "./invocation.ts";
import type { GlobalOptions } from "./settings.ts";
import { version } from "./version.ts";
import { commands, globalOptions } from "./vocabulary.ts";
import { filled, wrapped } from "./wrap.ts";

/** The meaning of the arguments: a verb, a request for help, or an error. */
export type Asked =
  | {
      readonly kind: "verb";
      readonly command: Command;
      readonly input: Input;
      readonly globals: GlobalOptions;
    }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly failure: Failure; readonly error: CommanderError };

export interface Typed {
  /** The words before the verb, as the operator types them. */
  readonly invocation: string;
  readonly args: readonly string[];
  /** The width of the help text. */
  readonly columns: number;
}

/** Commander parses the arguments and makes the help; the verbs do not run in it. */
export async function readArguments({ invocation, args, columns }: Typed): Promise<Asked> {
  const spelled = spelledAs(invocation);
  let asked: Asked | undefined;
  let text = "";
  const program = new Program(invocation);
  program
    .description("Create, watch and claim first-come-first-served coupon campaigns.")
    .version(`coupon ${version()}`, "--version", "the version of this command")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut(more) {
        text += more;
      },
      writeErr: () => undefined,
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    })
    .exitOverride()
    .addHelpText("after", helpAfter(columns, spelled));
  for (const option of globalOptions) program.option(option.flags, spelled(option.about));
  for (const command of commands) {
    const verb = program
      .command(command.name)
      .summary(spelled(command.summary))
      .description(`${spelled(command.summary)}.`);
    const { argument } = command;
    const aboutId = spelled(
      "as coupon list shows it; any case, and as much of it as tells it from the others",
    );
    if (command.takesCampaign === "optional") verb.argument("[campaign-id]", aboutId);
    else if (command.takesCampaign) verb.argument("<campaign-id>", aboutId);
    else if (argument !== undefined) verb.argument(`<${argument.name}>`, argument.about);
    const second = argument?.second;
    if (second !== undefined) verb.argument(`[${second.name}]`, second.about);
    for (const { flags, about, hidden, repeats } of command.options) {
      const option = new Option(flags, spelled(about)).hideHelp(hidden === true);
      if (repeats === true)
        option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
      verb.addOption(option);
    }
    verb.addHelpText("after", examplesOf(command, columns, spelled));
    verb.action((...given: unknown[]) => {
      const [first, next] = given.map((one) => (typeof one === "string" ? one : undefined));
      const more = second === undefined ? undefined : next;
      const input = new Input(first, verb.opts(), more);
      asked = { kind: "verb", command, input, globals: program.opts() };
    });
  }
  try {
    await program.parseAsync(withDryRunMode(args), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) return { kind: "wrong", failure: usageFailure(error, args), error };
  }
  return asked ?? { kind: "help", text };
}

const bareDate = /^\d{4}-\d{2}-\d{2}$/;

function usageFailure(error: CommanderError, args: readonly string[]): Failure {
  const verb = commands.find(({ name }) => args.includes(name));
  const help = `coupon ${verb === undefined ? "" : `${verb.name} `}--help shows how it is used`;
  const told = { exitCode: exitCodes.usage, code: "usage" };
  if (error.code === "commander.missingArgument" && verb?.takesCampaign === true) {
    return { ...told, message: "the campaign id is missing", hint: `coupon list shows them; ${help}` };
  }
  const message = error.message.replace(/^error: |\.$/g, "").replaceAll("\n", " ");
  const unquoted = error.code === "commander.excessArguments" && args.some((arg) => bareDate.test(arg));
  const quotes = 'an instant with spaces needs quotes, as in "2026-12-24 20:00 Asia/Seoul"';
  return { ...told, message, hint: unquoted ? quotes : help };
}

function examplesOf(command: Command, columns: number, spelled: (text: string) => string): string {
  const examples = command.examples.map((example) => `  ${spelled(example)}\n`).join("");
  const notes = command.notes === undefined ? "" : `\n${wrapped(spelled(command.notes), columns)}\n`;
  return `\nExamples:\n${examples}${notes}`;
}

const exitCodeIndent = " ".repeat(7);

function helpAfter(columns: number, spelled: (text: string) => string): string {
  const exitCodeLines = Object.entries(exitCodeMeanings)
    .map(
      ([code, meaning]) =>
        `  ${code.padStart(3)}  ${filled(spelled(meaning), columns - exitCodeIndent.length, exitCodeIndent)}\n`,
    )
    .join("");
  const more =
    "coupon <command> --help explains one command. coupon completion --help teaches your shell to complete them. " +
    "COUPON_DEBUG=1 shows where an error comes from.";
  const examples = [
    'coupon create --name Christmas --total 1000 --start "2026-12-24 20:00 Asia/Seoul" --one-per-user',
    "coupon watch 01JEXAMPLE",
    "coupon issue 01JEXAMPLE --user alice",
    "coupon export 01JEXAMPLE --out winners.csv",
  ];
  return `
Examples:
${examples.map((example) => `  ${spelled(example)}\n`).join("")}
Exit codes:
${exitCodeLines}
${wrapped(spelled(more), columns)}
`;
}
