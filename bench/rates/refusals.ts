import { Trouble } from "../trouble.ts";
import type { Benchmark } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { interleaved } from "./compare.ts";
import { bareLoad, load, medianOf, WARM_UP_SECONDS } from "./loads.ts";

export const refusals: Benchmark = {
  name: "refusals",
  what: "refusals a second at 64 connections, sold out and not started, beside bare Node http",
  effort: { rounds: 3, seconds: 3 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const soldOut = await campaignIn(ground, "open", 100, signal);
    const notStarted = await campaignIn(ground, "scheduled", 100, signal);
    const refused = (campaignId: string) => async () => {
      const result = await load(context, { connections: 64, campaignId, seconds });
      if (result.refused !== result.answers) throw new Trouble("coupons were issued where none can be");
      return result;
    };
    for (const campaignId of [soldOut, notStarted])
      await load(context, { connections: 64, campaignId, seconds: WARM_UP_SECONDS });
    const results = await interleaved(rounds, {
      bare: () => bareLoad(context, 64),
      soldOut: refused(soldOut),
      notStarted: refused(notStarted),
    });
    const bare = medianOf(results["bare"], "perSecond");
    const figures = (["soldOut", "notStarted"] as const).flatMap((variant) => {
      const name = variant === "soldOut" ? "sold_out_64" : "not_started_64";
      const value = medianOf(results[variant], "perSecond");
      return [
        { name, value, unit: "/s" },
        { name: `${name}_of_bare`, value: value / bare, unit: "" },
        { name: `${name}_p99`, value: medianOf(results[variant], "p99Ms"), unit: "ms" },
      ];
    });
    return { figures };
  },
};
