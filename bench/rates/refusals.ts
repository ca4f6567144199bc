import { Trouble } from "../trouble.ts";
import type { Benchmark } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved } from "./compare.ts";
import { bareLoad, load, medianOf, WARM_UP_SECONDS } from "./loads.ts";
import { checkOutcome, outcomesOf } from "./outcomes.ts";

const CONNECTIONS = 64;
const COUPONS = 100;

export const refusals: Benchmark = {
  name: "refusals",
  what: "refusals a second at 64 connections, sold out and not started, beside bare Node http",
  effort: { rounds: 5, seconds: 3 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const soldOut = await campaignIn(ground, "open", COUPONS, signal);
    const notStarted = await campaignIn(ground, "scheduled", COUPONS, signal);
    const refused = (campaignId: string, outcome: string) => async () => {
      const before = await outcomesOf(ground, signal);
      const result = await load(context, { connections: CONNECTIONS, campaignId, seconds });
      const { answers } = result;
      checkOutcome(before, await outcomesOf(ground, signal), { outcome, answers, connections: CONNECTIONS });
      if (result.refused !== answers) throw new Trouble("coupons were issued where none can be");
      return result;
    };
    for (const campaignId of [soldOut, notStarted])
      await load(context, { connections: CONNECTIONS, campaignId, seconds: WARM_UP_SECONDS });
    const results = await interleaved(rounds, {
      bare: () => bareLoad(context, CONNECTIONS),
      soldOut: refused(soldOut, "sold_out"),
      notStarted: refused(notStarted, "not_started"),
    });
    const issued = [await issuedOf(ground, soldOut), await issuedOf(ground, notStarted)];
    if (issued[0] !== COUPONS || issued[1] !== 0)
      throw new Trouble(`${issued[0]} of ${COUPONS} coupons were issued, and ${issued[1]} before the start`);
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
    return { figures: [...figures, { name: "bare_beside_refusals_64", value: bare, unit: "/s" }] };
  },
};
