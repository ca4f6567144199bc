import { createHook } from "node:async_hooks";
import { setImmediate } from "node:timers/promises";
import { until } from "../../local/poll.ts";

/**
 * For how long after the last test something may be there that was not before the first one, in ms; then it
 * counts as a leak.
 */
const LEAK_AFTER_MS = Number(process.env["LEAK_AFTER_MS"] ?? 15_000);

/** What can keep a process alive, as `process.getActiveResourcesInfo` and async_hooks call it. */
const ALIVE = /^(Timeout|Immediate|\w*WRAP|\w*Wrap|\w*REQ\w*)$/;

const origins = new Map<number, string>();

/**
 * With LEAK_TRACE=1 a leak is told with where each thing was made: of what is still there at the end, also of
 * what keeps nothing alive. Not otherwise, since each timer of a run then pays for a stack trace.
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

/** What was there before the first test: a worker's channel to the run, say. */
let before: readonly string[] = [];

export async function markAlive(): Promise<void> {
  // Mocha's own timer of this hook is there from now on, as the one of the last hook is at the end.
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
 * A handle that a test left open may keep a process alive, or disturb the tests after it: throws where there
 * is one, and says which.
 */
export async function failOnLeak(): Promise<void> {
  if (await until(() => left().length === 0, LEAK_AFTER_MS, 20)) return;
  const made = [...origins.values()].map((origin) => `\nleak: made here: ${origin}`);
  throw new Error(`leak: still open after the tests: ${left().join(", ")}${made.join("")}`);
}
