import { basename, delimiter, dirname, isAbsolute, relative } from "node:path";
import { commands } from "./vocabulary.ts";

export interface Start {
  readonly env: NodeJS.ProcessEnv;
  /** The path that Node.js was given: a link on the PATH, or the launcher itself. */
  readonly script: string;
  readonly cwd: string;
}

/**
 * What the operator types before a verb: "coupon", "npx coupon", "npm run coupon --", "node cli/coupon.mjs".
 * The one place that knows: all texts of this program say `coupon`, and are spelled in this form where they
 * are shown.
 */
export function invocationOf({ env, script, cwd }: Start): string {
  const { npm_lifecycle_event: event, npm_lifecycle_script: lifecycle = "", npm_config_package: from } = env;
  // npx quotes the name.
  const line = lifecycle.replace(/^(['"])(.*)\1$/, "$2");
  const name = basename(script);
  // npm leaves these to everything that it starts, at any depth: they are about this command only where they
  // name it.
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

// A verb behind it, and nothing before it that could make it part of a name that somebody gave to a campaign.
const suggestion = new RegExp(
  String.raw`(?<=^|[\s;])coupon (?=(?:${commands.map(({ name }) => name).join("|")}|--help)\b|<command>)`,
  "g",
);

/** Texts of this program with the commands in them as the operator would type them. */
export function spelledAs(invocation: string): (text: string) => string {
  return (text) => text.replace(suggestion, () => `${invocation} `);
}
