import { isNewer } from "../runtime/stored-shape.ts";
import type { Campaigns } from "./campaigns.ts";
import type { CampaignDoc } from "./documents.ts";

const PAGE = 500;

/**
 * Reads all live campaigns, a bounded number at a time, so that many old open campaigns do not hide the
 * newest ones. `leave` is called with each campaign that this program does not understand.
 */
export async function* livePages(
  campaigns: Pick<Campaigns, "live">,
  leave: (campaign: CampaignDoc) => void,
): AsyncGenerator<readonly CampaignDoc[]> {
  let after = "";
  for (;;) {
    const page = await campaigns.live(PAGE, after);
    for (const campaign of page) if (isNewer(campaign)) leave(campaign);
    const understood = page.filter((campaign) => !isNewer(campaign));
    if (understood.length > 0) yield understood;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last._id;
  }
}
