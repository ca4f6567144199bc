/**
 * `npm run demo`: a whole sale and its verdict, on stores of its own. Exit codes: 0 PASS, 1 FAIL, 2 could not
 * run, 130 Ctrl-C.
 */

import { setMaxListeners } from "node:events";
import { readOptions, USAGE } from "./demo/options.ts";
import { paintFor } from "./demo/picture.ts";
import { finalLine } from "./demo/result.ts";
import { runDemo, stayOpen } from "./demo/run.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";
import { runCommand } from "./run-command.ts";

await runCommand("demo", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return { exitCode: 0, lastWord: USAGE.trimEnd() };
  setMaxListeners(0, controller.signal); // each waiting press adds a listener
  const stream = options.json ? process.stderr : process.stdout;
  const say = (line: string) => void stream.write(`${line}\n`);
  const paint = paintFor(stream, process.env);
  const { result, report, address } = await runDemo({ options, releases, controller, say, paint });
  const line = finalLine(result);
  if (options.stay) {
    say(line);
    say(`The service stays open: ${address}\n  token of the console: ${OPERATOR_TOKEN}`);
    say("Ctrl-C ends it, and removes everything.");
    await stayOpen(controller);
  }
  const document = { line, seed: options.seed, ...result, verdicts: report.verdicts };
  return { exitCode: result.pass ? 0 : 1, lastWord: options.json ? JSON.stringify(document) : line };
});
