/**
 * Prints the argument with which Node reads `.env`: `--env-file=.env` where that file exists, nothing where
 * it does not. Node skips lines that it cannot parse, and refuses a file that does not exist. So this program
 * checks the file first: it prints one line and ends with exit code 2 (configuration) where the file cannot
 * be read, or Node would read a line otherwise than it is written. No message repeats a value: it may be a
 * secret.
 *
 *   ENV_FILE=$(node local/env-file.mjs) && exec node $ENV_FILE …
 */
import { existsSync, readFileSync } from "node:fs";
import { troubleIn } from "./env-lines.mjs";

const FILE = ".env";
const CONFIGURATION = 2;

// Relative to the current folder, as for Node; npm makes that the folder of package.json.
if (existsSync(FILE)) {
  const trouble = troubleOf();
  if (trouble === undefined) process.stdout.write(`--env-file=${FILE}\n`);
  else {
    process.stderr.write(`coupon: configuration: ${FILE}${trouble}\n`);
    process.exitCode = CONFIGURATION;
  }
}

function troubleOf() {
  try {
    return troubleIn(readFileSync(FILE, "utf8"));
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    return ` cannot be read (${code ?? "unknown error"})`;
  }
}
