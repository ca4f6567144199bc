import { hostname } from "node:os";
import type { Attempts, NewAttempt } from "../record/attempts.ts";
import { isPseudonym } from "../record/pseudonym.ts";
import type { Cancel, Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import type { Issue } from "./issue.ts";

/**
 * What callers asked and were answered, so that an operator can answer a complaint: each winner's first
 * answer, and a sample of all other answers. It is written behind, in batches, and never in the way of a
 * claim: where MongoDB is slow, entries are dropped and counted.
 */
export type AttemptLog = {
  /** Of an admitted caller. `userId`: the proven or stated one; empty: none. */
  note(asked: Asked, answer: Issue): void;
  stop(): Promise<void>;
};

type Asked = {
  readonly campaignId: string;
  readonly userId: string;
  readonly requestId: string;
  /** How long ago it was asked. */
  readonly tookMs: number;
};

export type AttemptLogDeps = {
  readonly attempts: Pick<Attempts, "write">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "attemptsLost">;
  readonly logger: Logger;
  /** Slots of the ring of each campaign. */
  readonly kept: number;
};

const FLUSH_EVERY_MS = 250;
const WRITE_WITHIN_MS = 1_000;
/** Winners between two writes: more than one process issues in that time. */
const WINNERS_MAX = 2_000;
/** UTF-16 units of the longest id that a claim can have. */
const ID_UNITS_MAX = 256;
/** Other answers between two writes: a fair sample of them. */
const SAMPLE_MAX = 100;

export function createAttemptLog({ attempts, clock, metrics, logger, kept }: AttemptLogDeps): AttemptLog {
  const server = `${hostname()}/${process.pid}`;
  let winners: NewAttempt[] = [];
  let sample: NewAttempt[] = [];
  let others = 0;
  let cancel: Cancel | undefined;
  let writing: Promise<void> = Promise.resolve();

  let batch: NewAttempt[] = [];

  async function write(): Promise<void> {
    try {
      await withDeadline(attempts.write(batch, kept), WRITE_WITHIN_MS, "writing attempts", clock);
    } catch (error) {
      metrics.attemptsLost.inc({ why: "store" }, batch.length);
      throw error;
    }
  }

  const tryWrite = troubleOnce(write, {
    failed: (error) =>
      logger.warn({ component: "claims", err: error }, "attempts cannot be written; they are dropped"),
  });

  async function flush(): Promise<void> {
    batch = [...winners, ...sample];
    winners = [];
    sample = [];
    others = 0;
    await tryWrite();
    if (winners.length + sample.length > 0) later();
    else cancel = undefined;
  }

  function later(): void {
    cancel = clock.after(FLUSH_EVERY_MS, () => {
      writing = flush();
    });
  }

  /** Each of the answers since the last write has the same chance (reservoir sampling). */
  function placeInSample(): number {
    others += 1;
    if (sample.length < SAMPLE_MAX) return sample.length;
    metrics.attemptsLost.inc({ why: "sampled" });
    return Math.floor(Math.random() * others);
  }

  return {
    note({ campaignId, userId, requestId, tookMs }, answer) {
      if (answer.kind === "refused" && answer.refusal.reason === "UNKNOWN_CAMPAIGN") return;
      if (Math.max(userId.length, requestId.length) > ID_UNITS_MAX) return;
      const coupon = answer.kind === "issued" ? answer.coupon : undefined;
      // What an erasure has taken away does not come back.
      if (coupon !== undefined && isPseudonym(coupon.claimKey)) return;
      const isWinner = answer.kind === "issued" && !answer.replayed;
      if (isWinner && winners.length >= WINNERS_MAX) return metrics.attemptsLost.inc({ why: "full" });
      const at = isWinner ? winners.length : placeInSample();
      if (!isWinner && at >= SAMPLE_MAX) return;
      const entry: NewAttempt = {
        ...{ campaignId, userId, requestId, server, tookMs: Math.round(tookMs) },
        at: new Date(clock.now() - tookMs),
        outcome:
          answer.kind === "refused" ? answer.refusal.reason.toLowerCase() : isWinner ? "issued" : "replayed",
        place: isWinner ? `${coupon?.generation}-${coupon?.seq}` : undefined,
      };
      (isWinner ? winners : sample)[at] = entry;
      if (cancel === undefined) later();
    },
    async stop() {
      cancel?.();
      await writing;
      if (winners.length + sample.length > 0) await flush();
      cancel?.();
    },
  };
}
