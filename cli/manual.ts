import type { Command, OptionSpec } from "./command.ts";
import { environment } from "./environment.ts";
import { exitCodeMeanings } from "./exit-code.ts";
import { instantForms } from "./instant.ts";
import { commands, globalOptions } from "./vocabulary.ts";

/**
 * docs/cli.md: the text of `--help` for all verbs, on one page. Generated from the program itself, so that
 * both always agree.
 */
export function manual(): string {
  return [
    "# The coupon command",
    "<!-- Made by `npm run manual` from the program's own help; a test compares. Change the program, not this page. -->",
    "`npx coupon` in a clone. The same words as `coupon --help` and `coupon VERB --help`; what they are for is in [the README](../README.md) and " +
      "[life-cycle.md](life-cycle.md).",
    commands.map(({ name, summary }) => `- [\`${name}\`](#coupon-${name}): ${prose(summary)}`).join("\n"),
    ...commands.flatMap(section),
    "## Flags of every verb",
    flagList(globalOptions),
    "`coupon --version` prints the version.",
    "## Instants",
    `Where a flag takes \`<T>\`: ${prose(instantForms)}. What is relative counts from the server's clock; \`--end start+2h\` from the start. Whatever was given is shown in full, in the ` +
      "operator's zone, in the zone that was named and in UTC, before anything is sent.",
    "## Environment",
    "A flag wins over the environment, the environment over the config file (`coupon config --help`), the file over the default.",
    environment.map(({ name, about }) => `- \`${name}\`: ${prose(about)}`).join("\n"),
    "## Exit codes",
    Object.entries(exitCodeMeanings)
      .map(([code, meaning]) => `- \`${code}\` ${prose(meaning)}`)
      .join("\n"),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

function section(command: Command): string[] {
  const { name, summary, options, examples, notes } = command;
  return [
    `## coupon ${name}`,
    `${prose(summary[0]?.toUpperCase() ?? "")}${prose(summary.slice(1))}.`,
    `\`\`\`sh\n${usage(command)}\n\n${examples.join("\n")}\n\`\`\``,
    ...(options.length === 0 ? [] : [flagList(options)]),
    ...(notes === undefined ? [] : notes.split("\n\n").map(paragraph)),
  ];
}

function usage({ name, takesCampaign, argument }: Command): string {
  if (takesCampaign === "optional") return `coupon ${name} [options] [campaign-id]`;
  if (takesCampaign) return `coupon ${name} [options] <campaign-id>`;
  return `coupon ${name} [options]${argument === undefined ? "" : ` <${argument.name}>${secondOf(argument)}`}`;
}

function secondOf({ second }: NonNullable<Command["argument"]>): string {
  return second === undefined ? "" : ` [${second.name}]`;
}

function flagList(options: readonly OptionSpec[]): string {
  return options
    .filter(({ hidden }) => hidden !== true)
    .map(({ flags, about }) => `- \`${flags}\`: ${prose(about)}`)
    .join("\n");
}

/** Indented text in the notes, such as a file's text, stays as it is. */
function paragraph(text: string): string {
  return text.startsWith("  ") ? `\`\`\`text\n${text.replaceAll(/^ {2}/gm, "")}\n\`\`\`` : prose(text);
}

/** Escapes the characters that are markup in Markdown. */
function prose(text: string): string {
  return text.replace(/[<*|]/g, (character) => `\\${character}`);
}
