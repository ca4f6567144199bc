import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import { until } from "./poll.ts";
import { keep, startWatchdog } from "./watchdog.ts";

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const KILL_DEADLINE_MS = 15_000;

/** The variables that a child inherits; the others (NODE_OPTIONS, store URLs) must not leak into it. */
const INHERITED = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "NODE_V8_COVERAGE"] as const;

export function inheritedEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/**
 * Starts a child in its own session and process group, so that Ctrl-C in a terminal reaches only this
 * process, which then ends its children in the right order. The watchdog kills the child if this process ends
 * first.
 */
export function spawnKept(
  command: string,
  args: readonly string[],
  options: Omit<SpawnOptions, "detached">,
): ChildProcess {
  startWatchdog();
  const child = spawn(command, args, { ...options, detached: true });
  child.on("error", () => {}); // a child that could not be started has no pid, which the caller checks
  keep(child);
  return child;
}

export function exitOf(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

export function hasExited(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Sends a signal to the child alone; does nothing when the child has ended. */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!hasExited(child)) child.kill(signal);
}

function killGroup(child: ChildProcess): void {
  if (hasExited(child) || child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/**
 * Sends SIGTERM, or another signal, and SIGKILL to the whole group when the deadline passes. Resumes a paused
 * child first: it could not handle the signal otherwise. Waits by a timer: an unreferenced child does not
 * keep the event loop alive, so this process could end in the middle of the wait.
 */
export async function endChild(
  child: ChildProcess,
  deadlineMs: number,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  signalChild(child, "SIGCONT");
  signalChild(child, signal);
  if (!(await until(() => hasExited(child), deadlineMs, 5))) await killChild(child);
}

/** Sends SIGKILL to the child and to all that it started; resolves when the child has ended. */
export async function killChild(child: ChildProcess): Promise<void> {
  killGroup(child);
  if (!(await until(() => hasExited(child), KILL_DEADLINE_MS, 2))) {
    throw new Error(`process ${child.pid} outlived SIGKILL for ${KILL_DEADLINE_MS} ms`);
  }
}

/** An exit as one number, as a shell gives it. */
export function exitNumber({ code, signal }: ChildExit): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
