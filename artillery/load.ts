/**
 * `npm run load`: artillery's launch scenario against a running service, then the audit. Exit codes: 0 PASS,
 * 1 FAIL, 2 could not run.
 */
import { runCommand } from "../bench/run-command.ts";
import { readOptions, USAGE } from "./options.ts";
import { runLoad } from "./run-load.ts";

await runCommand("load", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return { exitCode: 0, lastWord: USAGE.trimEnd() };
  const { line, pass } = await runLoad(options, process.env, releases, controller);
  return { exitCode: pass ? 0 : 1, lastWord: line };
});
