/**
 * A right that a Redis user lacks, as a refusal of Redis tells it; `command` is undefined where Redis does
 * not name the command (7.0, within a script).
 */
export type MissingRight =
  | { readonly to: "run"; readonly command: string | undefined }
  | { readonly to: "touch keys" };

/**
 * How each version begins a refusal for want of a right: all of them outside a script and for the keys that a
 * script declares; 7.0 within a script; 7.2, 8 and Valkey within a script.
 */
const BEGINNINGS = [
  /^(EXECABORT .* because of: )?NOPERM\b/,
  /^ERR The user executing the script can't /,
  /^ERR ACL failure in script: /,
];

/** The name of the user stands before these words; it may hold quotes, but no spaces. */
const COMMAND = /\shas no permissions to run the '([^']+)' command/;
const KEYS = /\baccess (a key|(at least )?one of the keys)\b/;

/** undefined: the refusal has another reason. */
export function missingRightIn(words: string): MissingRight | undefined {
  if (!BEGINNINGS.some((beginning) => beginning.test(words))) return undefined;
  const command = COMMAND.exec(words)?.[1];
  return command === undefined && KEYS.test(words) ? { to: "touch keys" } : { to: "run", command };
}

/** The right as ACL SETUSER takes it, such as `+config|get`; undefined where Redis does not name it. */
export function aclWord(right: MissingRight): string | undefined {
  if (right.to === "touch keys") return "~cp:*";
  return right.command === undefined ? undefined : `+${right.command}`;
}
