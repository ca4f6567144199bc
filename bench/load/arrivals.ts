import { seededRandom } from "../../callers/random.ts";
import { dueInstants, type Stream } from "./caller-jobs.ts";

/** One caller: when it comes, on the scale of `performance.now()`, and what it asks. */
export type Arrival = {
  /** The index of its stream. */
  readonly stream: number;
  readonly campaignId: string;
  readonly dueMs: number;
  readonly body: string;
};

/** The callers of all streams in the order in which they are due. */
export function arrivalsOf(streams: readonly Stream[], epochMs: number): Arrival[] {
  const arrivals = streams.flatMap((one, stream) => {
    const { campaignId, userPrefix, seed } = one;
    return dueInstants(one, seededRandom(seed)).map((dueAtMs, index) => ({
      ...{ stream, campaignId, dueMs: dueAtMs - epochMs },
      body: issueBody(campaignId, `${userPrefix}${index}`),
    }));
  });
  return arrivals.sort((a, b) => a.dueMs - b.dueMs);
}

export const issueBody = (campaignId: string, userId: string) => JSON.stringify({ campaignId, userId });

/**
 * The difference between the wall clock and `performance.now()`, to a few microseconds: `Date.now()` has
 * whole milliseconds, so it is read when it changes.
 */
export function epochOfPerformanceMs(): number {
  const before = Date.now();
  let now = Date.now();
  while (now === before) now = Date.now();
  return now - performance.now();
}
