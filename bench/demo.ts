/** `npm run demo`: a sale from nothing to the verdict, on stores of its own. Exit codes: 0 PASS, 1 FAIL, 2 could not run, 130 Ctrl-C. */

import { setMaxListeners } from "node:events";
import { type DemoOptions, readOptions, USAGE } from "./demo/options.ts";
import { paintFor } from "./demo/picture.ts";
import { finalLine } from "./demo/result.ts";
import { runDemo } from "./demo/run.ts";
import { createReleases } from "./releases.ts";
import { abortOnSignals, Interrupted, inOneLine } from "./trouble.ts";

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const releases = createReleases();
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // each press that waits listens to it
  abortOnSignals(controller);
  try {
    return await showDemo(options, releases, controller);
  } finally {
    for (const trouble of await releases.all()) process.stderr.write(`demo: cleaning up: ${trouble}\n`);
  }
}

async function showDemo(
  options: DemoOptions,
  releases: ReturnType<typeof createReleases>,
  controller: AbortController,
): Promise<number> {
  const stream = options.json ? process.stderr : process.stdout;
  const { result, report } = await runDemo({
    options,
    releases,
    controller,
    say: (line) => void stream.write(`${line}\n`),
    paint: paintFor(stream, process.env),
  });
  // Last of all, also after what the cleaning up may have to say.
  for (const trouble of await releases.all()) process.stderr.write(`demo: cleaning up: ${trouble}\n`);
  const line = finalLine(result);
  const document = { line, seed: options.seed, ...result, verdicts: report.verdicts };
  process.stdout.write(`${options.json ? JSON.stringify(document) : line}\n`);
  return result.pass ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const interrupted = error instanceof Interrupted;
  process.stderr.write(
    `demo: ${interrupted ? "interrupted, everything was stopped and removed" : inOneLine(error)}\n`,
  );
  process.exitCode = interrupted ? 130 : 2;
}
