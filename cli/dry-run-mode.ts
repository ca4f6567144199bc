import type { Input } from "./command.ts";
import { UserError } from "./user-error.ts";

/**
 * `client`: the request is shown in full and not sent. `server`: the service judges it and changes nothing.
 */
export const dryRunModes = ["client", "server"] as const;
export type DryRunMode = (typeof dryRunModes)[number];

/** undefined: no dry run. @throws UserError for an unknown mode */
export function dryRunMode(input: Input): DryRunMode | undefined {
  const given = input.text("--dry-run");
  if (given === undefined) return input.flag("--check") === true ? "server" : undefined;
  const mode = dryRunModes.find((known) => known === given);
  if (mode !== undefined) return mode;
  throw new UserError(`--dry-run: "${given}" is not one of ${dryRunModes.join(", ")}`, {
    hint: "client shows what would be sent, server has the service check it",
  });
}

/**
 * The arguments with `client` where `--dry-run` stands alone: a campaign id that follows it is not its value.
 */
export function withDryRunMode(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    const isAlone = arg === "--dry-run" && (end === -1 || index < end);
    return isAlone && !dryRunModes.some((mode) => mode === args[index + 1]) ? "--dry-run=client" : arg;
  });
}
