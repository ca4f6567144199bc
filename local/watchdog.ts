import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startTimeOf } from "./process-identity.mjs";

const SCRIPT = fileURLToPath(new URL("./watchdog.mjs", import.meta.url));

/** Module state, because a process has one watchdog: the start times of its children by pid. */
const kept = new Map<number, string>();
let watcher: ChildProcess | undefined;

/**
 * Puts a child under the watchdog: when this process has ended, even by kill -9, the watchdog kills the child
 * and its process group. Call it right after `spawn`. A child that ends by itself is removed.
 */
export function keep(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const startTime = startTimeOf(pid);
  if (startTime === undefined) return;
  watcher ??= startWatcher();
  kept.set(pid, startTime);
  tell(`+${pid} ${startTime}`);
  child.once("exit", () => {
    kept.delete(pid);
    tell(`-${pid}`);
  });
}

/** Starts the watchdog before the first child, so that no child runs without it. */
export function startWatchdog(): void {
  watcher ??= startWatcher();
}

function startWatcher(): ChildProcess {
  const started = spawn(process.execPath, [SCRIPT], {
    detached: true,
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
  started.on("error", () => {}); // it could not be started: no `exit` follows, no child is watched
  started.stdin.on("error", () => {}); // the watchdog has ended: `exit` follows and starts another
  started.once("exit", () => {
    watcher = undefined;
    if (kept.size === 0) return;
    watcher = startWatcher();
    for (const [pid, startTime] of kept) tell(`+${pid} ${startTime}`);
  });
  started.unref();
  // A pipe's handle is a socket, which the type of `stdin` does not show.
  (started.stdin as unknown as { unref(): void }).unref();
  return started;
}

function tell(line: string): void {
  watcher?.stdin?.write(`${line}\n`);
}
