import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Clock } from "../runtime/clock.ts";

/**
 * Our hold on a campaign while we fill or load it. A hint that saves double work; the stores' guards make it
 * correct.
 */
export type Lease = {
  readonly campaign: CampaignDoc;
  /**
   * Extends the lease when a third of it has passed. @throws LeaseLost when somebody else took the campaign
   * over.
   */
  keep(): Promise<void>;
  /**
   * Gives it back; `swapped`: a pool of the lease's generation was loaded, or one that stood was turned to
   * it.
   */
  drop(swapped?: "loaded" | "turned"): Promise<void>;
};

export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

export type LeaseOptions = { campaigns: Campaigns; clock: Clock; owner: string; leaseMs: number };

/** Takes the lease of a campaign; undefined: somebody else works on it, or there is no such campaign. */
export async function takeLease(
  { campaigns, clock, owner, leaseMs }: LeaseOptions,
  campaignId: string,
  purpose: "fill" | "load",
): Promise<Lease | undefined> {
  const campaign = await campaigns.takeLease(campaignId, owner, leaseMs, purpose === "load");
  if (campaign === null) return undefined;
  let renewedAtMs = clock.now();
  return {
    campaign,
    async keep() {
      if (Math.abs(clock.now() - renewedAtMs) < leaseMs / 3) return;
      if (!(await campaigns.renewLease(campaignId, owner, leaseMs))) {
        throw new LeaseLost(`the lease of campaign ${campaignId} went to somebody else`);
      }
      renewedAtMs = clock.now();
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
