import type { Command, OptionSpec } from "./command.ts";
import { filesMark, type Shell } from "./shell-scripts.ts";

/** A text that the shell may insert at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** The kind of completion: candidates, the files of the folder, or ids of campaigns (from the service). */
export type Fitting =
  | { readonly kind: "candidates"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "files" }
  | { readonly kind: "campaigns" };

export interface Vocabulary {
  readonly commands: readonly Command[];
  readonly globalOptions: readonly OptionSpec[];
  readonly profiles: readonly string[];
}

/**
 * The completions for the last of `words`; the others are the words before it, without "coupon" itself.
 */
export function fitting(words: readonly string[], vocabulary: Vocabulary): Fitting {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  const places = readPlaces(before, vocabulary);
  const { command, waiting } = places;
  if (waiting !== undefined) return valuesOf(waiting, vocabulary);
  if (current.startsWith("--") && current.includes("=")) {
    const name = current.slice(0, current.indexOf("="));
    const option = optionNamed(name, command, vocabulary);
    const values = option === undefined ? nothing : valuesOf(option, vocabulary);
    if (values.kind !== "candidates") return values;
    return candidates(values.candidates.map(({ value, about }) => ({ value: `${name}=${value}`, about })));
  }
  if (current.startsWith("-")) {
    const own = command?.options ?? (places.help ? [] : [versionOption]);
    const options = [...own, ...vocabulary.globalOptions, helpOption];
    const given = new Set(before);
    const shown = options.filter((option) => option.hidden !== true && !given.has(longName(option)));
    return candidates(shown.map((option) => ({ value: longName(option), about: option.about })));
  }
  if (command === undefined) {
    const verbs = vocabulary.commands.map(({ name, summary }) => ({ value: name, about: summary }));
    return candidates(places.help ? verbs : [...verbs, helpVerb]);
  }
  if (places.help) return nothing;
  if (places.arguments > 0) return nothing;
  if (command.takesCampaign !== false) return { kind: "campaigns" };
  return candidates((command.argument?.choices ?? []).map((value) => ({ value, about: "" })));
}

/** The lines of an answer in the form that the shell's script reads. */
export function answerLines(
  fits: Exclude<Fitting, { kind: "campaigns" }>,
  current: string,
  shell: Shell,
): string[] {
  if (fits.kind === "files") return [filesMark];
  const matching = fits.candidates.filter(({ value }) => value.startsWith(current));
  return matching.map(({ value, about }) => {
    const told = about.replace(/\s+/g, " ");
    // bash breaks words at "=": it replaces only the part after it.
    if (shell === "bash") return current.includes("=") ? value.slice(value.indexOf("=") + 1) : value;
    if (shell === "fish") return `${value}\t${told}`;
    const escaped = value.replaceAll(":", "\\:");
    return told === "" ? escaped : `${escaped}:${told}`;
  });
}

/** bash splits "--format=csv" into three words; this joins them again. */
export function joinedWords(words: readonly string[]): string[] {
  const joined: string[] = [];
  let open = false;
  for (const word of words) {
    const last = joined.at(-1);
    const isEquals = word === "=" && last?.startsWith("--") === true && !last.includes("=");
    if (last !== undefined && (isEquals || open)) joined[joined.length - 1] = last + word;
    else joined.push(word);
    open = isEquals;
  }
  return joined;
}

const nothing: Fitting = { kind: "candidates", candidates: [] };
const helpOption: OptionSpec = { flags: "--help", about: "explain it" };
const versionOption: OptionSpec = { flags: "--version", about: "the version of this command" };
const helpVerb: Candidate = { value: "help", about: "explain a verb" };

function candidates(all: readonly Candidate[]): Fitting {
  return { kind: "candidates", candidates: all };
}

interface WordsBefore {
  readonly command: Command | undefined;
  /** True: the words begin with "help", and the verb is its argument. */
  readonly help: boolean;
  /** The option whose value comes next; undefined: no value is expected. */
  readonly waiting: OptionSpec | undefined;
  /** How many arguments the verb has been given. */
  readonly arguments: number;
}

function readPlaces(before: readonly string[], vocabulary: Vocabulary): WordsBefore {
  let command: Command | undefined;
  let help = false;
  let waiting: OptionSpec | undefined;
  let given = 0;
  for (const word of before) {
    if (waiting !== undefined) waiting = undefined;
    else if (word.startsWith("-")) {
      const option = word.includes("=") ? undefined : optionNamed(word, command, vocabulary);
      waiting = option?.flags.includes("<") === true ? option : undefined;
    } else if (command === undefined && word === helpVerb.value) help = true;
    else if (command === undefined) command = vocabulary.commands.find(({ name }) => name === word);
    else given++;
  }
  return { command, help, waiting, arguments: given };
}

function optionNamed(
  name: string,
  command: Command | undefined,
  vocabulary: Vocabulary,
): OptionSpec | undefined {
  const options = [...(command?.options ?? []), ...vocabulary.globalOptions];
  return options.find(({ flags }) => flags.split(/[ ,]+/).includes(name));
}

function valuesOf(option: OptionSpec, vocabulary: Vocabulary): Fitting {
  if (option.offers === "files") return { kind: "files" };
  if (longName(option) === "--profile")
    return candidates(vocabulary.profiles.map((value) => ({ value, about: "" })));
  const listed = /<([^>]*\|[^>]*)>/.exec(option.flags)?.[1]?.split("|") ?? [];
  return candidates([...listed, ...(option.offers ?? [])].map((value) => ({ value, about: "" })));
}

function longName({ flags }: OptionSpec): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}
