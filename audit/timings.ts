/**
 * What the service that is audited was told of time: how long something may be on its way follows from it.
 */
export type Timings = {
  /** For one durable insert: its COMMIT_DEADLINE_MS. */
  readonly insertDeadlineMs: number;
  /** Its LEASE_MS. */
  readonly leaseMs: number;
};

/** Those of a service without settings. */
export const DEFAULT_TIMINGS: Timings = { insertDeadlineMs: 4_000, leaseMs: 2_000 };

/**
 * How long after a live sale was found wrong it is read again, and how long after that once more: longer than
 * a lease and a tick, then longer than a late insert may take, which MongoDB may still do after the deadline.
 */
export function readAgainAfterMs({ insertDeadlineMs, leaseMs }: Timings): readonly number[] {
  return [leaseMs + 500, insertDeadlineMs + 6_000];
}

/**
 * After so long no server works on a ledger entry any more: its insert has ended, and sweepers finish those
 * that are older than a second.
 */
export function leftAfterMs({ insertDeadlineMs }: Timings): number {
  return insertDeadlineMs + 26_000;
}
