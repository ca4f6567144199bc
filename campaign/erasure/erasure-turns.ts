import type { CampaignDoc } from "../../record/documents.ts";
import type { Erasures } from "../../record/erasures.ts";
import { type Clock, sleepUnless } from "../../runtime/clock.ts";
import { MARKS_KNOWN_FOR_MS } from "./mark-times.ts";
import { issuesNoMore } from "./pool-erasure.ts";

export type ErasureTurnsDeps = {
  readonly erasures: Pick<Erasures, "keep">;
  readonly clock: Clock;
  readonly owner: string;
  /** How long an insert may take to become durable after it began; see campaign/settled-issues.ts. */
  readonly settleMs: number;
};

/** Another process has taken this erasure over, since this one had not been heard of. */
export class ErasureLost extends Error {
  override readonly name = "ErasureLost";
}

export const ERASURE_LEASE_MS = 15_000;

/** The pauses of an erasure, in which it keeps its leases. @throws ErasureLost */
export function createErasureTurns({ erasures, clock, owner, settleMs }: ErasureTurnsDeps) {
  async function keep(jobIds: readonly string[]): Promise<void> {
    for (const id of jobIds)
      if (!(await erasures.keep(id, owner, ERASURE_LEASE_MS)))
        throw new ErasureLost("another process has taken the erasure over, and goes on with it");
  }

  /**
   * How long to wait after a campaign, as it was before, was marked. One that is over has no claims under
   * way; but a process that knows of no erased user there would find no coupon of theirs.
   */
  function heedMsOf(campaign: CampaignDoc): number {
    if (!issuesNoMore(campaign)) return MARKS_KNOWN_FOR_MS + settleMs;
    return campaign.erasure === undefined ? MARKS_KNOWN_FOR_MS : 0;
  }

  /** Waits until every process heeds the marks of these campaigns, and keeps the leases meanwhile. */
  async function heed(
    jobIds: readonly string[],
    marked: readonly CampaignDoc[],
    signal: AbortSignal,
  ): Promise<void> {
    const heedMs = Math.max(...marked.map(heedMsOf));
    const untilMs = clock.elapsed() + heedMs;
    for (let leftMs = heedMs; leftMs > 0; leftMs = untilMs - clock.elapsed()) {
      await keep(jobIds);
      await sleepUnless(clock, Math.min(leftMs, ERASURE_LEASE_MS / 3), signal);
      signal.throwIfAborted();
    }
  }

  /** Half of the time for others; and the leases are kept. */
  function turnsOf(jobIds: readonly string[], signal: AbortSignal, onTurn: () => void = () => undefined) {
    let keptAtMs = clock.elapsed();
    let lastAtMs = clock.elapsed();
    return async () => {
      onTurn();
      await sleepUnless(clock, Math.min(100, clock.elapsed() - lastAtMs), signal);
      if (clock.elapsed() - keptAtMs > ERASURE_LEASE_MS / 4) {
        await keep(jobIds);
        keptAtMs = clock.elapsed();
      }
      lastAtMs = clock.elapsed();
    };
  }

  return { heed, turnsOf };
}
