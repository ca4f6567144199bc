import { basename, delimiter, dirname, isAbsolute, relative } from "node:path";
import { commands } from "./vocabulary.ts";

export interface Start {
  readonly env: NodeJS.ProcessEnv;
  /** The path that Node.js was given: a link on the PATH, or the launcher itself. */
  readonly script: string;
  readonly cwd: string;
}

/**
 * The words that the operator types before a verb: "coupon", "npx coupon", "npm run coupon --", "node
 * cli/coupon.mjs". Only this file decides that: all texts of this program contain `coupon`, which is replaced
 * by this form in the output.
 */
export function invocationOf({ env, script, cwd }: Start): string {
  const { npm_lifecycle_event: event, npm_lifecycle_script: lifecycle = "", npm_config_package: from } = env;
  // npx quotes the name.
  const line = lifecycle.replace(/^(['"])(.*)\1$/, "$2");
  const name = basename(script);
  // Every process below npm inherits these variables, at any depth: they describe this command only where
  // they name it.
  if (event === "npx" && line === name) return from ? `npx -p ${quoted(from)} ${name}` : `npx ${name}`;
  if (event !== undefined && /^(exec )?node \S+$/.test(line) && basename(line) === name)
    return `npm run ${event} --`;
  const { PATH: path = "" } = env;
  if (path.split(delimiter).includes(dirname(script))) return name;
  const below = relative(cwd, script);
  const shown = quoted(below.startsWith("..") || isAbsolute(below) ? script : below);
  return /\.m?js$/.test(name) ? `node ${shown}` : shown;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// "coupon" with a verb behind it, and with nothing before it that could make it a part of a campaign's name.
const suggestion = new RegExp(
  String.raw`(?<=^|[\s;])coupon (?=(?:${commands.map(({ name }) => name).join("|")}|--help)\b|<command>)`,
  "g",
);

/** Texts of this program with the commands in them as the operator would type them. */
export function spelledAs(invocation: string): (text: string) => string {
  return (text) => text.replace(suggestion, () => `${invocation} `);
}
