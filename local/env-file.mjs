/**
 * What Node is to be started with so that it reads `.env`: prints `--env-file=.env` where that file exists,
 * nothing where it does not. Node passes over what it cannot read, and refuses a file that is not there; so
 * this looks first, and ends with exit code 2 (configuration) and one line where the file cannot be read or a
 * line would not be read as it stands. No message repeats a value: it may be a secret.
 *
 *   ENV_FILE=$(node local/env-file.mjs) && exec node $ENV_FILE …
 */
import { existsSync, readFileSync } from "node:fs";
import { troubleIn } from "./env-lines.mjs";

const FILE = ".env";
const CONFIGURATION = 2;

// As Node does: in the folder in which it is started, which npm makes that of package.json.
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
