/**
 * `npm run concurrency -- --servers 5 --requests 200`: that many servers over one Redis and one MongoDB, the
 * requests spread over them and sent all at once, and a verdict: exactly the right coupons were issued, or
 * not. Exit codes: 0 PASS, 1 FAIL (a guarantee is violated), 2 could not run, 3 NOT JUDGED (not done in time,
 * or stores that could not be read), 130 Ctrl-C.
 *
 * How it flows: `ground` (stores, servers) → `send` (one request a user, each at the next server) → `judge`
 * (their answers, and the audit of both stores) → results.txt.
 */
import { setMaxListeners } from "node:events";
import { readOptions, USAGE } from "./concurrency/options.ts";
import { runConcurrency } from "./concurrency/run.ts";
import { runCommand } from "./run-command.ts";

const EXIT_CODES = { PASS: 0, FAIL: 1, "NOT JUDGED": 3 } as const;

await runCommand("concurrency", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return { exitCode: 0, lastWord: USAGE.trimEnd() };
  setMaxListeners(0, controller.signal);
  const { verdict, line } = await runConcurrency({
    options,
    releases,
    controller,
    say: (text) => void process.stdout.write(`${text}\n`),
  });
  return { exitCode: EXIT_CODES[verdict], lastWord: line };
});
