/**
 * `npm run scenario`: the whole life of a launch, each step a real `coupon` command in a process of its own,
 * while a crowd asks two servers 1,000 times a second through all steps. Each step asserts its effects for
 * operators, for the crowd and in both stores. Exit codes: 0 PASS, 1 FAIL, 2 could not run, 130 Ctrl-C.
 *
 * How it flows: `ground` (stores, two servers) → `crowd` (asks, and writes its own record) beside `stage`
 * (runs the steps one after the other: a command, then assertions) → `verify` judges the crowd's record and
 * both stores.
 */
import { setMaxListeners } from "node:events";
import { runCommand } from "./run-command.ts";
import { readOptions, USAGE } from "./scenario/options.ts";
import { runScenario } from "./scenario/run.ts";

await runCommand("scenario", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return { exitCode: 0, lastWord: USAGE.trimEnd() };
  setMaxListeners(0, controller.signal);
  const { pass, line } = await runScenario({
    options,
    releases,
    controller,
    say: (text) => void process.stdout.write(`${text}\n`),
  });
  return { exitCode: pass ? 0 : 1, lastWord: line };
});
