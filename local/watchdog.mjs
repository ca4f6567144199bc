/**
 * Outlives its parent by one moment: when the parent is gone, however it went, ends what it left behind.
 *
 * Reads lines from stdin: `+<pid> <start time>` takes a process into care, `-<pid>` lets it go. The end of
 * stdin means that the parent is gone, because it alone holds the other end of the pipe.
 */
import { createInterface } from "node:readline";
import { isSameProcess } from "./process-identity.mjs";

/** @type {Map<number, string>} */
const kept = new Map();

// A terminal's Ctrl-C or a closing window is the parent's business.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, pid, startTime = ""] = /^([+-])(\d+) ?(.*)$/.exec(line) ?? [];
  if (sign === "+") kept.set(Number(pid), startTime);
  if (sign === "-") kept.delete(Number(pid));
}
for (const [pid, startTime] of kept) {
  if (!isSameProcess(pid, startTime)) continue;
  // Our children lead their own process groups: what they started goes with them.
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
