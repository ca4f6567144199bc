/**
 * Time settings of the audited service: how long a claim may stay under way follows from them.
 */
export type Timings = {
  /** The service's COMMIT_DEADLINE_MS: the limit for one durable insert. */
  readonly insertDeadlineMs: number;
  /** The service's LEASE_MS. */
  readonly leaseMs: number;
};

/** The timings of a service with default settings. */
export const DEFAULT_TIMINGS: Timings = { insertDeadlineMs: 4_000, leaseMs: 2_000 };

/**
 * The waits before a live sale that looks wrong is read a second and a third time, in ms: longer than a lease
 * and a tick, then longer than a late insert may take, which MongoDB may still finish after the deadline.
 */
export function readAgainAfterMs({ insertDeadlineMs, leaseMs }: Timings): readonly number[] {
  return [leaseMs + 500, insertDeadlineMs + 6_000];
}

/**
 * After so many ms no server works on a ledger entry any more: its insert has ended, and sweepers finish
 * entries that are older than a second.
 */
export function leftAfterMs({ insertDeadlineMs }: Timings): number {
  return insertDeadlineMs + 26_000;
}
