/**
 * The watchdog process: when its parent has ended, even by kill -9, it kills the children that still run, and
 * ends.
 *
 * Reads lines from stdin: `+<pid> <start time>` adds a child, `-<pid>` removes it. The end of stdin means
 * that the parent has ended, because it alone holds the other end of the pipe.
 */
import { createInterface } from "node:readline";
import { isSameProcess } from "./process-identity.mjs";

/** @type {Map<number, string>} */
const kept = new Map();

// The parent handles Ctrl-C and a closed terminal; the watchdog must not end before it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, pid, startTime = ""] = /^([+-])(\d+) ?(.*)$/.exec(line) ?? [];
  if (sign === "+") kept.set(Number(pid), startTime);
  if (sign === "-") kept.delete(Number(pid));
}
for (const [pid, startTime] of kept) {
  if (!isSameProcess(pid, startTime)) continue;
  // Each child leads a process group: the processes that it started are killed with it.
  for (const target of [-pid, pid]) {
    for (const signal of /** @type {const} */ (["SIGCONT", "SIGKILL"])) {
      try {
        process.kill(target, signal);
      } catch {
        // it has no group of its own, or it has just ended by itself
      }
    }
  }
}
