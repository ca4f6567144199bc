import { resolve } from "node:path";
import {
  type ChildExit,
  endChild,
  exitNumber,
  exitOf,
  hasExited,
  inheritedEnvironment,
  killChild,
  signalChild,
  spawnKept,
} from "./child.ts";
import { LineRing } from "./line-ring.ts";
import { until } from "./poll.ts";
import { repositoryDir } from "./repository.ts";
import { LocalStackError } from "./store.ts";

const MAX_LINES = 10_000;
const LAST_LINES = 20;
const STOP_DEADLINE_MS = 30_000;
const TRY_DEADLINE_MS = 2_000;
const POLL_MS = 25;

export interface ServiceOptions {
  /** Added to the variables that any process needs (PATH, HOME, …); the child inherits no others. */
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[] | undefined;
  /** The program, relative to the repository's top folder. A `.ts` entry runs through tsx. */
  readonly entry?: string | undefined;
  /** A command that is put before the program's own, and that becomes it: `ip netns exec NAME`. */
  readonly through?: readonly string[] | undefined;
  /** The base of the paths that are given to `waitForHttp`. */
  readonly baseUrl?: string | undefined;
  /** Called with each line of stdout and stderr. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface ServiceProcess {
  readonly pid: number;
  readonly baseUrl: string | undefined;
  /** Settles when the process has ended. */
  readonly exited: Promise<ChildExit>;
  readonly isRunning: boolean;
  /** The last 10,000 lines of stdout and stderr. */
  readonly lines: readonly string[];
  /** The first line, past or to come, that fits. Rejects at the deadline or when the process ends. */
  waitForLine(predicate: (line: string) => boolean, deadlineMs: number): Promise<string>;
  /** Waits until a GET (path or whole URL) returns 200. Rejects at the deadline or when the process ends. */
  waitForHttp(pathOrUrl: string, deadlineMs: number): Promise<void>;
  /** Sends SIGKILL to the process and to all that it started. */
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  /** SIGTERM, SIGKILL after the deadline; returns the exit code (128 + signal number after a signal). */
  stop(deadlineMs?: number): Promise<number>;
  /** As `stop`, with SIGINT: the service answers the requests under way and waits for nothing else. */
  interrupt(deadlineMs?: number): Promise<number>;
}

/** Starts the service, or another program of this repository, as a child that never outlives this process. */
export function startService(options: ServiceOptions): ServiceProcess {
  const { entry = "server/main.ts", args = [], baseUrl, through = [] } = options;
  const loader = entry.endsWith(".ts") ? ["--import", "tsx"] : [];
  const own = [process.execPath, ...loader, resolve(repositoryDir, entry), ...args] as const;
  const [command = own[0], ...rest] = [...through, ...own];
  const child = spawnKept(command, rest, {
    cwd: repositoryDir,
    env: { ...inheritedEnvironment(), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined || child.stdout === null || child.stderr === null) {
    throw new Error(`could not start ${entry}`);
  }
  const exited = exitOf(child);
  const ring = new LineRing(MAX_LINES);
  if (options.onLine !== undefined) ring.onLine(options.onLine);
  ring.read(child.stdout);
  ring.read(child.stderr);

  const trouble = (words: string) =>
    new LocalStackError(
      `${entry} ${words}. Its last lines:\n  ${ring.lines.slice(-LAST_LINES).join("\n  ")}`,
    );
  const ended = () => trouble(`ended (code ${child.exitCode}, signal ${child.signalCode})`);

  return {
    pid,
    baseUrl,
    exited,
    get isRunning() {
      return !hasExited(child);
    },
    get lines() {
      return ring.lines;
    },
    async waitForLine(predicate, deadlineMs) {
      let found = ring.lines.find(predicate);
      const forget = ring.onLine((line) => {
        if (found === undefined && predicate(line)) found = line;
      });
      try {
        // The last lines may be read after the exit was seen: both streams must have ended too.
        const silent = () => hasExited(child) && child.stdout?.readableEnded && child.stderr?.readableEnded;
        const settled = await until(() => found !== undefined || silent() === true, deadlineMs, POLL_MS);
        if (found !== undefined) return found;
        throw settled ? ended() : trouble(`did not print the awaited line within ${deadlineMs} ms`);
      } finally {
        forget();
      }
    },
    async waitForHttp(pathOrUrl, deadlineMs) {
      const url = new URL(pathOrUrl, baseUrl);
      const settled = await until(
        async () => hasExited(child) || (await answers200(url)),
        deadlineMs,
        POLL_MS,
      );
      if (hasExited(child)) throw ended();
      if (!settled) throw trouble(`did not answer 200 at ${url.pathname} within ${deadlineMs} ms`);
    },
    kill: () => killChild(child),
    pause: () => signalChild(child, "SIGSTOP"),
    resume: () => signalChild(child, "SIGCONT"),
    async stop(deadlineMs = STOP_DEADLINE_MS) {
      await endChild(child, deadlineMs);
      return exitNumber(await exited);
    },
    async interrupt(deadlineMs = STOP_DEADLINE_MS) {
      await endChild(child, deadlineMs, "SIGINT");
      return exitNumber(await exited);
    },
  };
}

async function answers200(url: URL): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TRY_DEADLINE_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
