import type { Campaigns } from "./campaigns.ts";
import type { CampaignDoc } from "./documents.ts";

const PAGE = 500;

/**
 * Reads all live campaigns, a bounded number at a time, so that many old open campaigns do not hide the
 * newest ones.
 */
export async function* livePages(campaigns: Pick<Campaigns, "live">): AsyncGenerator<readonly CampaignDoc[]> {
  let after = "";
  for (;;) {
    const page = await campaigns.live(PAGE, after);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last._id;
  }
}
