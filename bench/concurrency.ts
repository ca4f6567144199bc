/**
 * `npm run concurrency -- --servers 5 --requests 200`: that many servers over one Redis and one MongoDB, the requests spread over them and sent all at
 * once, and a verdict: exactly the right coupons went out, or not. Exit codes: 0 PASS, 1 FAIL, 2 could not run, 130 Ctrl-C.
 *
 * How it flows: `ground` (stores, servers) → `send` (one request a user, each at the next server) → `judge` (what they were told, and the audit of both
 * stores) → results.txt.
 */
import { setMaxListeners } from "node:events";
import { readOptions, USAGE } from "./concurrency/options.ts";
import { runConcurrency } from "./concurrency/run.ts";
import { runCommand } from "./run-command.ts";

await runCommand("concurrency", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return { exitCode: 0, lastWord: USAGE.trimEnd() };
  setMaxListeners(0, controller.signal);
  const { pass, line } = await runConcurrency({
    options,
    releases,
    controller,
    say: (text) => void process.stdout.write(`${text}\n`),
  });
  return { exitCode: pass ? 0 : 1, lastWord: line };
});
