import type { Outcome } from "../../audit/history.ts";

/** Callers of one campaign, each with a user id of its own, that ask by the clock. */
export type Stream = {
  readonly campaignId: string;
  readonly userPrefix: string;
  /** When the first is due, in ms since the Unix epoch. */
  readonly fromMs: number;
  readonly perSecond: number;
  readonly count: number;
  /**
   * `random`: independent of each other, as people arrive (exponential gaps), so with bursts and lulls;
   * `even`: at equal distances.
   */
  readonly spacing: "even" | "random";
  readonly seed: number;
};

/** Arrivals by the clock, which wait for no answer. */
export type OpenLoopJob = {
  readonly kind: "open-loop";
  readonly baseUrl: string;
  readonly connections: number;
  readonly streams: readonly Stream[];
};

/** Each of `users` asks once, over `connections`: the next one as soon as an answer frees a connection. */
export type BurstJob = {
  readonly kind: "burst";
  readonly baseUrl: string;
  readonly connections: number;
  readonly campaignId: string;
  readonly userPrefix: string;
  readonly users: number;
};

/**
 * Arrivals by the clock, as those of an open loop, of which the service need not answer all. Their
 * connections are kept for some answers, then new ones are opened.
 */
export type CrowdJob = Omit<OpenLoopJob, "kind"> & {
  readonly kind: "crowd";
  /** The addresses of this machine from which it connects, in turn. */
  readonly addresses: readonly string[];
  readonly answersPerConnection: number;
  /**
   * Who is refused as OVERLOADED asks again after `retry_after_ms`, until those without a connection leave.
   */
  readonly asksAgain?: boolean;
  /** Callers who have no connection so long after the last one was due leave. */
  readonly sendWithinMs: number;
  /** How long all others wait for their answers from then on. */
  readonly answerWithinMs: number;
};

export type CallerJob = OpenLoopJob | BurstJob | CrowdJob;

/** One caller's answer. */
export type Seen = {
  /** The index of its stream; 0 in a burst. */
  readonly stream: number;
  /** From the instant at which it was due, or in a burst was sent, to its answer. */
  readonly latencyMs: number;
  /** In a crowd, from that instant until its request was written: the delay of the crowd itself. */
  readonly sentAfterMs?: number;
  /** In a crowd: it was refused before, and was due again when it was told to come. */
  readonly isAgain?: boolean;
  /** The caller's wall clock, ms since the Unix epoch, with fractions. */
  readonly answeredAtMs: number;
  readonly outcome: Outcome;
};

export type CallerReport = {
  readonly seen: readonly Seen[];
  /** From the first request to the last answer. */
  readonly seconds: number;
  /**
   * How late the load started a caller at worst, in ms: not the service's delay, but counted as latency.
   */
  readonly worstLagMs: number;
  /** Callers of a crowd who left without an answer. */
  readonly left?: { readonly unsent: number; readonly unanswered: number };
};

/** Due instants of a stream in ms since the epoch, ascending. */
export function dueInstants(stream: Stream, random: () => number): number[] {
  const { fromMs, perSecond, count, spacing } = stream;
  const gapMs = 1_000 / perSecond;
  let atMs = fromMs;
  return Array.from({ length: count }, (_, index) => {
    if (spacing === "even") return fromMs + index * gapMs;
    atMs += -Math.log(1 - random()) * gapMs;
    return atMs;
  });
}
