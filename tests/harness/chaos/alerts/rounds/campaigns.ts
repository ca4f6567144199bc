import { createCampaign } from "../../../../../bench/load/campaign.ts";
import { connectClients } from "../../../../../bench/load/connect-client.ts";
import { OPERATOR_TOKEN } from "../../ground/ground.ts";
import { type AlertRound, instanceOf, ROLES_AND_EVENTS } from "../alert-round.ts";
import { addWebhook } from "../sinks.ts";

const HEALTHY = { total: 2_000, leadMs: 15_000 } as const;
const EARLY = 60;
/** Codes whose making takes a moment. */
const UNMADE = 2_000;
const LEAD_MS = 30_000;

export const campaignRounds: readonly AlertRound[] = [
  {
    name: "healthy-sale",
    alerts: ["CouponSoldOutSoon"],
    isHealthy: true,
    ground: { roles: ROLES_AND_EVENTS },
    sale: HEALTHY,
    async before(stage) {
      const { sale, callers } = stage;
      await addWebhook(stage, { batched: true });
      await sale.untilStart(-2_000);
      await callers.ask(EARLY);
      await sale.untilStart(-1_000);
    },
    async strike({ sale, callers }) {
      await sale.untilStart(0);
      await sale.untilTrue("it opens", async () => (await sale.recorded()).state === "OPEN");
      const most = Math.floor(HEALTHY.total * 0.95);
      let issued = 0;
      while (issued < most) issued += await callers.ask(Math.min(500, most - issued));
      return {
        fires: [{ alert: "CouponSoldOutSoon", labels: { campaign: sale.campaignId } }],
        async end() {
          await callers.ask(HEALTHY.total - most + EARLY);
          await sale.untilTrue("it is sold out", async () => (await sale.recorded()).state === "SOLD_OUT");
        },
      };
    },
  },
  {
    // A campaign is created that no process makes codes for, half a minute before its start.
    name: "generator-crashed",
    alerts: ["CouponPoolWillNotOpen", "CouponProcessDown"],
    async strike({ servers: [server], generator }) {
      await generator.kill();
      const operator = connectClients(server?.url ?? "", OPERATOR_TOKEN);
      const campaign = await createCampaign(operator.campaigns, {
        ...{ name: "chaos", total: UNMADE, startsAtMs: Date.now() + LEAD_MS },
      }).finally(() => operator.close());
      return {
        fires: [
          { alert: "CouponPoolWillNotOpen", labels: { campaign } },
          { alert: "CouponProcessDown", labels: { instance: instanceOf(generator) } },
        ],
        end: () => generator.start(),
      };
    },
  },
];
