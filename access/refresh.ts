import type { Clock } from "../runtime/clock.ts";

/** Reads something that another server may change, again and again while it is used. */
export type Refresh = {
  /** One read at a time, which all wait for; never rejects. */
  now(): Promise<void>;
  /** Reads again where the last read is old. Does not wait. */
  ifOld(): void;
  /** A read that may find more than the last one; undefined: the last one is too recent. */
  ifWorthwhile(): Promise<void> | undefined;
  /** Whether the last read failed. */
  hasFailed(): boolean;
};

/** A read of this age is repeated when it is used: so a key that was taken out of a set is soon refused. */
export const FRESH_MS = 60_000;
/** Between two reads, in ms: a flood of unknown key ids must not become a flood of reads. */
export const COOLDOWN_MS = 5_000;

export type RefreshDeps = {
  /** Must end within a deadline of its own. */
  readonly read: () => Promise<void>;
  /** `again`: the read before failed, too. */
  readonly onFailure: (error: unknown, again: boolean) => void;
  readonly clock: Pick<Clock, "elapsed">;
};

export function createRefresh({ read, onFailure, clock }: RefreshDeps): Refresh {
  let readAtMs = Number.NEGATIVE_INFINITY;
  let failed = false;
  let reading: Promise<void> | undefined;
  const ageMs = () => clock.elapsed() - readAtMs;

  async function attempt(): Promise<void> {
    try {
      await read();
      failed = false;
    } catch (error) {
      onFailure(error, failed);
      failed = true;
    }
  }

  function now(): Promise<void> {
    readAtMs = clock.elapsed();
    reading ??= attempt().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    now,
    ifOld() {
      if (ageMs() >= FRESH_MS) void now();
    },
    ifWorthwhile() {
      if (reading !== undefined) return reading;
      return ageMs() < COOLDOWN_MS ? undefined : now();
    },
    hasFailed: () => failed,
  };
}
