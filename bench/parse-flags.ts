import { type ParseArgsConfig, parseArgs } from "node:util";
import { Trouble } from "./trouble.ts";

/**
 * The flags of a command line. `usage` is said with what is wrong, where it is given.
 * @throws Trouble that names a flag which there is not, or a value that is missing
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
