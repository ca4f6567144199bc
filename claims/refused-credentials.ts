import type { Refusal } from "../campaign/refusal.ts";
import type { Clock } from "../runtime/clock.ts";
import { sourceGroupOf } from "../runtime/source-group.ts";

/**
 * The sources of which, a moment ago, a claim or a look-up was refused for its credential, or a claim was
 * over a limit: their requests wait for turns of their own.
 */
export type RefusedCredentials = {
  /**
   * Notes the refusal of a call, whatever transport it came over. `address` is empty once its connection has
   * closed.
   */
  note(refusal: Refusal, address: string): void;
  /** Notes a claim over a limit that came from its user, whether it was refused or got its coupon again. */
  noteOverLimit(address: string): void;
  /** By source group. */
  isRefused(source: string): boolean;
  /** Whether there is none at all. */
  readonly isEmpty: boolean;
};

const REFUSED_MS = 1_000;
/** A source that was noted less than this before is not noted again: a crowd is refused all of the time. */
const NOTED_AGAIN_MS = 100;
/** The sources that are remembered; of more, those that were refused first are forgotten. */
const SOURCES_MAX = 10_000;
/** Not RATE_LIMITED: a backend with a key claims for many users, of whom one may be over its limit. */
const REASONS: ReadonlySet<Refusal["reason"]> = new Set(["UNAUTHENTICATED", "PERMISSION_DENIED"]);

export function createRefusedCredentials({ elapsed }: Pick<Clock, "elapsed">): RefusedCredentials {
  const untilMs = new Map<string, number>();

  function noteSource(address: string): void {
    const source = sourceGroupOf(address);
    if (source === "") return;
    const until = elapsed() + REFUSED_MS;
    if (until - (untilMs.get(source) ?? 0) < NOTED_AGAIN_MS) return;
    // Set anew, it is the last again.
    untilMs.delete(source);
    untilMs.set(source, until);
    if (untilMs.size <= SOURCES_MAX) return;
    const [oldest] = untilMs.keys();
    if (oldest !== undefined) untilMs.delete(oldest);
  }

  return {
    note({ reason }, address) {
      if (REASONS.has(reason)) noteSource(address);
    },
    noteOverLimit: noteSource,
    isRefused(source) {
      const until = untilMs.get(source);
      if (until === undefined) return false;
      if (elapsed() < until) return true;
      untilMs.delete(source);
      return false;
    },
    get isEmpty() {
      return untilMs.size === 0;
    },
  };
}
