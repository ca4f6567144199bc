import type { Tally } from "../../claims/tally.ts";
import { isRehearsalId } from "../../record/campaign-id.ts";
import type { CampaignCounts } from "../../record/documents.ts";
import type { Rehearsals } from "../../record/rehearsals.ts";

/** The busiest campaigns of this process; the counts of a removed rehearsal are removed too. */
export function createBusyCampaigns(
  tally: Pick<Tally, "busiest" | "forget">,
  rehearsals: Pick<Rehearsals, "stands">,
): () => Promise<CampaignCounts[]> {
  return async () => {
    const busiest = tally.busiest();
    const standing = await Promise.all(
      busiest.map(({ campaignId }) => !isRehearsalId(campaignId) || rehearsals.stands(campaignId)),
    );
    const gone = busiest.filter((_, i) => standing[i] === false);
    for (const { campaignId } of gone) tally.forget(campaignId);
    return busiest.filter((_, i) => standing[i] !== false);
  };
}
