import { exitCodes } from "./exit-code.ts";
import { invocationOf } from "./invocation.ts";
import { run } from "./run.ts";

const showCursor = "\x1b[?25h\x1b[?7h";
const { stdout, stderr } = process;

/** Ends the process at once; shows the cursor again, because a bar may have hidden it. */
function leaveAtOnce(code: number): never {
  if (stderr.isTTY && process.env["TERM"] !== "dumb") stderr.write(showCursor);
  process.exit(code);
}

// A reader that closes the pipe (`| head`) ends the command without an error; a full disk is an error.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") leaveAtOnce(exitCodes.ok);
  stderr.write(`coupon: cannot write the results: ${error.code ?? error.message}\n`);
  leaveAtOnce(exitCodes.unexpected);
});
stderr.on("error", () => undefined);

// The first Ctrl-C ends in an orderly manner, the second at once.
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) leaveAtOnce(exitCodes.interrupted);
    interruption.abort();
  });
}

const code = await run({
  invocation: invocationOf({ env: process.env, script: process.argv[1] ?? "coupon", cwd: process.cwd() }),
  args: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout,
  stderr,
  signal: interruption.signal,
});
// Buffered output is written before the process ends; the process does not wait for idle connections.
await new Promise((resolve) => stdout.write("", resolve));
await new Promise((resolve) => stderr.write("", resolve));
process.exit(code);
