import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Clock } from "../runtime/clock.ts";

/**
 * The lease of a campaign while this process fills or loads it. It only saves double work; the unique indexes
 * and the generation keep the result correct.
 */
export type Lease = {
  readonly campaign: CampaignDoc;
  /**
   * Extends the lease when a third of it has passed. @throws LeaseLost when another process took the campaign
   * over.
   */
  keep(): Promise<void>;
  /**
   * Returns the lease. `swapped`: a pool was loaded under the lease's generation, or a frozen one was turned
   * to it (turn.lua); undefined: neither.
   */
  drop(swapped?: "loaded" | "turned"): Promise<void>;
};

export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

export type LeaseOptions = { campaigns: Campaigns; clock: Clock; owner: string; leaseMs: number };

/** Takes the lease of a campaign; undefined: another process has it, or there is no such campaign. */
export async function takeLease(
  { campaigns, clock, owner, leaseMs }: LeaseOptions,
  campaignId: string,
  purpose: "fill" | "load",
): Promise<Lease | undefined> {
  // Of the request, not of the answer: that may be late, and the lease another's by then.
  let renewed = { atMs: clock.now(), elapsedMs: clock.elapsed() };
  const campaign = await campaigns.takeLease(campaignId, owner, leaseMs, purpose === "load");
  if (campaign === null) return undefined;
  return {
    campaign,
    async keep() {
      const now = { atMs: clock.now(), elapsedMs: clock.elapsed() };
      // The machine may have slept, and its clock may have been set: it is renewed where either says so.
      const sinceMs = Math.max(Math.abs(now.atMs - renewed.atMs), now.elapsedMs - renewed.elapsedMs);
      if (sinceMs < leaseMs / 3) return;
      if (!(await campaigns.renewLease(campaignId, owner, leaseMs))) {
        throw new LeaseLost(`the lease of campaign ${campaignId} went to another process`);
      }
      renewed = now;
    },
    drop(swapped) {
      if (swapped === undefined) return campaigns.dropLease(campaignId, owner);
      const { generation: loadedGeneration, total: loadedTotal } = campaign;
      return campaigns.dropLease(campaignId, owner, {
        loadedGeneration,
        ...(swapped === "loaded" ? { loadedTotal } : {}),
      });
    },
  };
}
