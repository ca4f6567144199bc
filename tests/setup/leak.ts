import { createHook } from "node:async_hooks";

/** How long after the last test something may keep the process alive before that counts as a leak, in ms. */
const LEAK_AFTER_MS = Number(process.env["LEAK_AFTER_MS"] ?? 15_000);

/** What can keep a process alive, as `process.getActiveResourcesInfo` and async_hooks call it. */
const ALIVE = /^(Timeout|Immediate|\w*WRAP|\w*Wrap|\w*REQ\w*)$/;

const origins = new Map<number, string>();

/**
 * With LEAK_TRACE=1 a leak is told with where each thing was made: of what is still there at the end, also of what keeps nothing
 * alive. Not otherwise, since each timer of a run then pays for a stack trace.
 */
if (process.env["LEAK_TRACE"] === "1") {
  createHook({
    init(id, type) {
      if (!ALIVE.test(type)) return;
      const made: { stack?: string } = {};
      Error.captureStackTrace(made);
      const ours = made.stack
        ?.split("\n")
        .filter((line) => /^ {4}at .*\//.test(line) && !/node:|node_modules|setup\/leak\.ts/.test(line));
      if (ours !== undefined && ours.length > 0) origins.set(id, `${type}\n${ours.join("\n")}`);
    },
    destroy: (id) => void origins.delete(id),
  }).enable();
}

/**
 * Mocha does not force an exit: a handle that a test left open would hang the run. After the last test this waits, without keeping
 * the process alive itself, then says what is open and fails the run.
 */
export function failOnLeak(): void {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(", ");
    process.stderr.write(`leak: still open after the tests: ${open}\n`);
    for (const origin of origins.values()) process.stderr.write(`leak: made here: ${origin}\n`);
    // At the exit mocha sets the number of failures as the exit code, whatever was passed to process.exit. Handlers run in the order
    // in which they were added: this one, added after mocha's, has the last word.
    process.on("exit", () => {
      if (process.exitCode === undefined || process.exitCode === 0) process.exitCode = 1;
    });
    process.exit();
  }, LEAK_AFTER_MS).unref();
}
