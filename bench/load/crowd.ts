import type { CallerReport, CrowdJob, Stream } from "./caller-jobs.ts";
import { type Callers, startCallers } from "./callers.ts";

/** Callers of one campaign in several processes. */
export type Crowd = {
  run(
    job: Omit<CrowdJob, "kind" | "addresses" | "streams">,
    stream: Stream,
    signal: AbortSignal,
  ): Promise<CallerReport>;
  stop(): Promise<void>;
};

/** Several for each process: the service bounds the connections of one address. */
const ADDRESSES_EACH = 4;
/** 127.0.0.1 is that of operators and of the lone caller. */
const FIRST_ADDRESS = 2;

/** Starts so many processes with the lowest priority: a crowd brings machines of its own. */
export function startCrowd(processes: number): Crowd {
  return crowdOf(Array.from({ length: processes }, () => startCallers({ yielding: true })));
}

/** A crowd of these processes, which divide its callers and its rate among them. */
export function crowdOf(callers: readonly Callers[]): Crowd {
  return {
    async run(job, stream, signal) {
      const parts = partsOf(stream, callers.length);
      const reports = await Promise.all(
        callers.map((one, index) => {
          const streams = [parts[index] as Stream];
          const whole: CrowdJob = { ...job, kind: "crowd", streams, addresses: addressesOf(index) };
          return one.run(whole, signal);
        }),
      );
      return together(reports);
    },
    async stop() {
      await Promise.all(callers.map((one) => one.stop()));
    },
  };
}

/** The callers of a stream in so many parts, each with users and a seed of its own. */
export function partsOf(stream: Stream, parts: number): Stream[] {
  return Array.from({ length: parts }, (_, index) => ({
    ...stream,
    userPrefix: `${stream.userPrefix}${index}-`,
    perSecond: stream.perSecond / parts,
    count: Math.floor(((index + 1) * stream.count) / parts) - Math.floor((index * stream.count) / parts),
    seed: stream.seed * parts + index,
  }));
}

const addressesOf = (index: number): string[] =>
  Array.from({ length: ADDRESSES_EACH }, (_, at) => `127.0.0.${FIRST_ADDRESS + index * ADDRESSES_EACH + at}`);

function together(reports: readonly CallerReport[]): CallerReport {
  const sum = (of: "unsent" | "unanswered") =>
    reports.reduce((total, { left }) => total + (left?.[of] ?? 0), 0);
  return {
    seen: reports.flatMap(({ seen }) => seen),
    seconds: Math.max(...reports.map(({ seconds }) => seconds)),
    worstLagMs: Math.max(...reports.map(({ worstLagMs }) => worstLagMs)),
    left: { unsent: sum("unsent"), unanswered: sum("unanswered") },
  };
}
