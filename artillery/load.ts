/** `npm run load`: artillery's launch scenario against a running service, then the audit. Exit codes: 0 PASS, 1 FAIL, 2 could not run. */
import { createReleases } from "../bench/releases.ts";
import { abortOnSignals, Interrupted, inOneLine } from "../bench/trouble.ts";
import { readOptions, USAGE } from "./options.ts";
import { runLoad } from "./run-load.ts";

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const releases = createReleases();
  const controller = new AbortController();
  abortOnSignals(controller);
  try {
    const { line, pass } = await runLoad(options, process.env, releases, controller.signal);
    for (const trouble of await releases.all()) process.stderr.write(`load: cleaning up: ${trouble}\n`);
    process.stdout.write(`${line}\n`);
    return pass ? 0 : 1;
  } finally {
    for (const trouble of await releases.all()) process.stderr.write(`load: cleaning up: ${trouble}\n`);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const interrupted = error instanceof Interrupted;
  process.stderr.write(`load: ${interrupted ? "interrupted, artillery was stopped" : inOneLine(error)}\n`);
  process.exitCode = interrupted ? 130 : 2;
}
