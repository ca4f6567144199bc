import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { orAborted, type Releases } from "../bench/releases.ts";
import { Trouble } from "../bench/trouble.ts";
import { endChild, exitNumber, exitOf, hasExited, inheritedEnvironment, spawnKept } from "../local/child.ts";
import { until } from "../local/poll.ts";
import { repositoryDir } from "../local/repository.ts";
import { artilleryProgram } from "../setup/artillery-facts.mjs";
import type { Phase } from "./phases.ts";

export type ArtilleryRun = {
  readonly phases: readonly Phase[];
  /** Undefined: as launch.yml has it. */
  readonly p99LimitMs?: number | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly reportFile: string;
};

export type Artillery = {
  /** @throws Trouble when it ends before the condition holds, or the deadline passes */
  until(what: string, condition: () => boolean, deadlineMs: number): Promise<void>;
  /** Its report, when it has ended. @throws Trouble at the deadline */
  report(deadlineMs: number): Promise<ArtilleryReport>;
};

export type ArtilleryReport = {
  readonly exitCode: number;
  readonly counters: Readonly<Record<string, number>>;
  /** In milliseconds; undefined: nothing was answered. */
  readonly responseTime: { readonly p50: number; readonly p99: number } | undefined;
};

const STOP_DEADLINE_MS = 5_000;
const POLL_MS = 50;

/** Starts artillery as a child that cannot outlive this process; its output is shown at once. */
export function startArtillery(
  { phases, p99LimitMs, env, reportFile }: ArtilleryRun,
  releases: Releases,
  signal: AbortSignal,
): Artillery {
  const program = artilleryProgram();
  if (!existsSync(program)) throw new Trouble("artillery is not installed: npm run setup -- --artillery");
  // Its output is a pipe, into which artillery would write no colours by itself.
  const colour: Record<string, string> = process.stdout.isTTY === true ? { FORCE_COLOR: "1" } : {};
  const thresholds = [{ "http.response_time.p99": p99LimitMs }];
  const limits = p99LimitMs === undefined ? {} : { ensure: { thresholds } };
  const overrides = JSON.stringify({ config: { phases, ...limits } });
  const child = spawnKept(
    process.execPath,
    [program, "run", "--overrides", overrides, "--output", reportFile, "launch.yml"],
    {
      cwd: join(repositoryDir, "artillery"),
      env: { ...inheritedEnvironment(), ...colour, ARTILLERY_DISABLE_TELEMETRY: "1", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (child.stdout !== null) showWithoutReportPath(child.stdout);
  releases.add("artillery", () => endChild(child, STOP_DEADLINE_MS));
  const exited = exitOf(child);
  return {
    async until(what, condition, deadlineMs) {
      const met = await orAborted(
        until(() => condition() || hasExited(child), deadlineMs, POLL_MS),
        signal,
      );
      if (condition()) return;
      if (met) throw new Trouble(`artillery ended before ${what} (exit ${exitNumber(await exited)})`);
      throw new Trouble(`artillery took more than ${seconds(deadlineMs)} s, and not yet ${what}`);
    },
    async report(deadlineMs) {
      const limit = new AbortController();
      const late = new Trouble(`artillery did not end within ${seconds(deadlineMs)} s`);
      const timer = setTimeout(() => limit.abort(late), deadlineMs);
      try {
        const exitCode = exitNumber(await orAborted(exited, AbortSignal.any([signal, limit.signal])));
        return { exitCode, ...readReport(reportFile) };
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

const seconds = (ms: number) => Math.round(ms / 1_000);

/**
 * Hides artillery's line with the path of the report: the report is removed after the audit. With --keep the
 * runner itself prints the folder.
 */
function showWithoutReportPath(from: Readable): void {
  const lines = createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (line) => {
    if (!isReportPath(line)) process.stdout.write(`${line}\n`);
  });
}

export function isReportPath(line: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  return /^(\u001b\[\d*m)*Log file: /.test(line);
}

function readReport(file: string): Pick<ArtilleryReport, "counters" | "responseTime"> {
  if (!existsSync(file)) throw new Trouble("artillery ended without a report");
  const { aggregate } = JSON.parse(readFileSync(file, "utf8")) as {
    aggregate: {
      counters: Record<string, number>;
      summaries?: Record<string, { p50: number; p99: number } | undefined>;
    };
  };
  return { counters: aggregate.counters, responseTime: aggregate.summaries?.["http.response_time"] };
}
