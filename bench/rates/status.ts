import { STATUS_PATH } from "../../server/rpc/status-answer.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved } from "./compare.ts";
import { bareLoad, load, medianOf, WARM_UP_SECONDS } from "./loads.ts";

const CONNECTIONS = 64;
const COUPONS = 100;

/** The calls of a waiting page: by the fast path, by Express (they have a query), beside the yardstick. */
export const status: Benchmark = {
  name: "status",
  what: "GetCampaignStatus a second at 64 connections, by the lane and by Express, beside bare Node http",
  effort: { rounds: 5, seconds: 3 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const campaignId = await campaignIn(ground, "open", COUPONS, signal);
    const asked = (path: string) => async (forSeconds: number) => {
      const wanted = { path, connections: CONNECTIONS, campaignId, seconds: forSeconds, ofUsers: false };
      const result = await load(context, wanted);
      if (result.refused > 0)
        throw new Trouble(`${result.refused} of ${result.answers} answers were not 200`);
      return result;
    };
    const variants = { lane: asked(STATUS_PATH), express: asked(`${STATUS_PATH}?`) };
    for (const ask of Object.values(variants)) await ask(WARM_UP_SECONDS);
    const results = await interleaved(rounds, {
      bare: () => bareLoad(context, CONNECTIONS),
      lane: () => variants.lane(seconds),
      express: () => variants.express(seconds),
    });
    if ((await issuedOf(ground, campaignId)) > 0) throw new Trouble("coupons were issued to nobody");
    const rate = (variant: string) => medianOf(results[variant], "perSecond");
    return {
      figures: [
        { name: "status_64", value: rate("lane"), unit: "/s" },
        { name: "status_64_of_bare", value: rate("lane") / rate("bare"), unit: "" },
        { name: "status_64_p99", value: medianOf(results["lane"], "p99Ms"), unit: "ms" },
        { name: "status_express_64", value: rate("express"), unit: "/s" },
        { name: "status_lane_over_express_64", value: rate("lane") / rate("express"), unit: "" },
        { name: "bare_beside_status_64", value: rate("bare"), unit: "/s" },
      ],
    };
  },
};
