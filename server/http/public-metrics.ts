import { isLoopback } from "../../runtime/loopback.ts";

const OF_CAMPAIGNS = /^(# (HELP|TYPE) )?coupon_campaign_/;

/**
 * The page of metrics for the port of callers: where other machines reach that, it leaves out the metrics of
 * campaigns, as the public API tells nobody which there are and how many coupons are left.
 */
export function publicMetrics(page: () => Promise<string>, host: string): () => Promise<string> {
  if (isLoopback(host)) return page;
  return async () => {
    const lines = (await page()).split("\n");
    return lines.filter((line) => !OF_CAMPAIGNS.test(line)).join("\n");
  };
}
