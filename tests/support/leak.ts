import { createHook } from "node:async_hooks";
import { setImmediate } from "node:timers/promises";
import { until } from "../../local/poll.ts";

/**
 * How long after the last test a resource may remain that did not exist before the first one, in ms; then it
 * counts as a leak.
 */
const LEAK_AFTER_MS = Number(process.env["LEAK_AFTER_MS"] ?? 90_000);

/** Resources that can keep a process alive, as `process.getActiveResourcesInfo` and async_hooks name them. */
const ALIVE = /^(Timeout|Immediate|\w*WRAP|\w*Wrap|\w*REQ\w*)$/;

const origins = new Map<number, string>();

/**
 * With LEAK_TRACE=1 the report of a leak has the stack of each resource that remains at the end, also of
 * those that keep no process alive. It is off by default, since each timer of a run would need a stack trace.
 */
if (process.env["LEAK_TRACE"] === "1") {
  createHook({
    init(id, type) {
      if (!ALIVE.test(type)) return;
      const made: { stack?: string } = {};
      Error.captureStackTrace(made);
      const ours = made.stack
        ?.split("\n")
        .filter((line) => /^ {4}at .*\//.test(line) && !/node:|node_modules|support\/leak\.ts/.test(line));
      if (ours !== undefined && ours.length > 0) origins.set(id, `${type}\n${ours.join("\n")}`);
    },
    destroy: (id) => void origins.delete(id),
  }).enable();
}

/** Resources that existed before the first test, such as a worker's channel to the run. */
let before: readonly string[] = [];

export async function markAlive(): Promise<void> {
  // After this, mocha's own timer of this hook exists, as the timer of the last hook will at the end.
  await setImmediate();
  before = process.getActiveResourcesInfo();
}

function left(): string[] {
  const open = process.getActiveResourcesInfo();
  for (const one of before) {
    const at = open.indexOf(one);
    if (at >= 0) open.splice(at, 1);
  }
  return open;
}

/**
 * Throws, with their names, if the tests of these files left resources open: they may keep a process alive,
 * or disturb later tests.
 */
export async function failOnLeak(files: readonly string[]): Promise<void> {
  if (await until(() => left().length === 0, LEAK_AFTER_MS, 20)) return;
  const made = [...origins.values()].map((origin) => `\nleak: made here: ${origin}`);
  throw new Error(
    `leak: still open after the tests of ${files.join(", ")}: ${left().join(", ")}${made.join("")}`,
  );
}
