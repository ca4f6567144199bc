import { type ParseArgsConfig, parseArgs } from "node:util";
import { Trouble } from "./trouble.ts";

/**
 * Parses the flags of a command line. `usage`, where given, follows the error's message.
 * @throws Trouble that names an unknown flag or a missing value
 */
export function parseFlags<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: T,
  usage?: string,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Trouble(usage === undefined ? words : `${words}\n${usage}`, { cause: error });
  }
}
