import type { Clock } from "../../runtime/clock.ts";

/** What a batch of claims may do now: issue, only recall what is known, or issue a single one to see whether MongoDB is back. */
export type Admission = "issue" | "recall" | "probe";

/**
 * Stops new claims while nothing can be made durable, so that codes do not pile up in the ledger and callers hear at once.
 * Open (not admitting) from the moment that a commit failed, or that one has been under way for longer than `stallMs`, until one
 * succeeds. Meanwhile one claim every `PROBE_EVERY_MS` is let through to find out.
 */
export type Breaker = {
  admit(): Admission;
  /** The probe came back without a claim to commit: the next batch may try. */
  returnProbe(): void;
  /** A commit has begun; call the result with whether it succeeded. */
  begin(): (succeeded: boolean) => void;
  isOpen(): boolean;
};

const PROBE_EVERY_MS = 250;

export function createBreaker(clock: Clock, stallMs: number): Breaker {
  /** When each commit under way began; a Set keeps the order, so the first is the oldest. */
  const underWay = new Set<{ readonly beganAtMs: number }>();
  let failed = false;
  let probedAtMs = Number.NEGATIVE_INFINITY;

  function isOpen(): boolean {
    if (failed) return true;
    const [oldest] = underWay;
    return oldest !== undefined && clock.elapsed() - oldest.beganAtMs > stallMs;
  }

  return {
    isOpen,
    admit() {
      if (!isOpen()) return "issue";
      const nowMs = clock.elapsed();
      if (nowMs - probedAtMs < PROBE_EVERY_MS) return "recall";
      probedAtMs = nowMs;
      return "probe";
    },
    returnProbe() {
      probedAtMs = Number.NEGATIVE_INFINITY;
    },
    begin() {
      const commit = { beganAtMs: clock.elapsed() };
      underWay.add(commit);
      return (succeeded) => {
        underWay.delete(commit);
        failed = !succeeded;
      };
    },
  };
}
