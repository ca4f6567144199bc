import { type ParseArgsConfig, parseArgs } from "node:util";
import { Trouble } from "./trouble.ts";

/**
 * The flags of a command line.
 * @throws Trouble that names a flag which there is not, or a value that is missing
 */
export function parseFlags<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new Trouble(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
