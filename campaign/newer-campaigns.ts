import type { CampaignDoc } from "../record/documents.ts";
import type { Logger } from "../runtime/logger.ts";
import { SHAPE_MAX } from "../runtime/stored-shape.ts";

const CAMPAIGNS_MAX = 1_000;

/** Logs once of each campaign that it was made by a newer program, and that this one leaves it alone. */
export function createNewerCampaigns(logger: Logger): (campaign: CampaignDoc) => void {
  const told = new Set<string>();
  return ({ _id: campaign, shape }) => {
    if (told.has(campaign)) return;
    if (told.size >= CAMPAIGNS_MAX) told.clear();
    told.add(campaign);
    logger.error(
      { campaign, shape, understood: SHAPE_MAX },
      "a newer version of the program has made this campaign: this process leaves it alone, upgrade it",
    );
  };
}
