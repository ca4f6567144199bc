/**
 * `npm run fuzz`: compares the fast path with the framework alone. Exit codes: 0 PASS, 1 FAIL, 2 could not
 * run, 130 Ctrl-C.
 */
import { runCommand } from "../../../bench/run-command.ts";
import { fuzz } from "./fuzz.ts";
import { readOptions, USAGE } from "./options.ts";

await runCommand("fuzz", async ({ controller: { signal } }) => {
  const { seconds, seed, help } = readOptions(process.argv.slice(2));
  if (help) return { exitCode: 0, lastWord: USAGE };
  process.stdout.write(`fuzz: seed ${seed}, ${seconds} s\n`);
  const startedMs = performance.now();
  const { cases, requests, fast, found } = await fuzz({
    seed,
    goOn: () => !signal.aborted && performance.now() - startedMs < seconds * 1_000,
  });
  signal.throwIfAborted();
  const counts = `cases=${cases} requests=${requests} fast=${fast} seed=${seed}`;
  if (found === undefined) return { exitCode: 0, lastWord: `fuzz: PASS ${counts}` };
  return { exitCode: 1, lastWord: `${found.words}\nfuzz: FAIL ${counts} found=${found.seed}` };
});
