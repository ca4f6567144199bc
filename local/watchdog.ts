import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startTimeOf } from "./process-identity.mjs";

const SCRIPT = fileURLToPath(new URL("./watchdog.mjs", import.meta.url));

/** One per parent process by nature, so it is module state: the children in care, and who watches them. */
const kept = new Map<number, string>();
let watcher: ChildProcess | undefined;

/**
 * Takes a child into care: when this process is gone, even by kill -9, the child and its process group are
 * ended too. Call it right after `spawn`. A child that ends by itself is let go.
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

/** Starts the watcher before there is anything to watch, so that a child is never without care. */
export function startWatchdog(): void {
  watcher ??= startWatcher();
}

function startWatcher(): ChildProcess {
  const started = spawn(process.execPath, [SCRIPT], {
    detached: true,
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
  started.on("error", () => {}); // no process could be started: `exit` never comes, children end as usual
  started.stdin.on("error", () => {}); // it was ended: `exit` follows and starts another
  started.once("exit", () => {
    watcher = undefined;
    if (kept.size === 0) return;
    watcher = startWatcher();
    for (const [pid, startTime] of kept) tell(`+${pid} ${startTime}`);
  });
  started.unref();
  // A pipe's handle is a socket, which the type of `stdin` does not say.
  (started.stdin as unknown as { unref(): void }).unref();
  return started;
}

function tell(line: string): void {
  watcher?.stdin?.write(`${line}\n`);
}
