import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Trouble } from "../trouble.ts";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("issue.lua", import.meta.url));
const GRACE_MS = 20_000;
/** Longer than the service waits for a claim: 5 s (ISSUE_DEADLINE_MS). */
const ANSWER_MOST = "7s";

export type WrkTarget = {
  readonly baseUrl: string;
  readonly path: string;
  readonly campaignId: string;
  readonly connections: number;
  readonly seconds: number;
  /**
   * Whether each request has a new user id, as IssueCoupon needs; undefined: true.
   */
  readonly ofUsers?: boolean;
};

/** The result of one run of wrk. Latencies in ms, from the sending of a request (closed loop). */
export type WrkResult = {
  readonly answers: number;
  readonly perSecond: number;
  /** Answers other than 200. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

let runs = 0;

/** One closed-loop run, one thread. */
export async function runWrk(target: WrkTarget, signal: AbortSignal): Promise<WrkResult> {
  const { baseUrl, path, campaignId, connections, seconds, ofUsers = true } = target;
  runs += 1;
  const args = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--timeout",
    ANSWER_MOST,
    "-s",
    SCRIPT,
    baseUrl,
    "--",
  ];
  const { stdout } = await run(
    "wrk",
    [...args, path, campaignId, ...(ofUsers ? [`u${process.pid}-${runs}-`] : [])],
    {
      signal,
      timeout: seconds * 1_000 + GRACE_MS,
    },
  );
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Trouble(`wrk did not say what it saw: ${stdout.trim()}`);
  const told = JSON.parse(line) as Omit<WrkResult, "perSecond"> & {
    seconds: number;
    broken: number;
    late: number;
  };
  if (told.broken + told.late > 0)
    throw new Trouble(
      `of ${connections} connections ${told.broken} broke off, ${told.late} had no answer within ${ANSWER_MOST}`,
    );
  return { ...told, perSecond: told.answers / told.seconds };
}
