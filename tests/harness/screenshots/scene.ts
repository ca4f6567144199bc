import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createCampaign, createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { createServices } from "../../support/service.ts";
import { startStackAlone } from "../../support/stack-alone.ts";

/** A service with campaigns to photograph. */
export type PhotographedScene = {
  readonly url: string;
  readonly operatorToken: string;
  readonly campaigns: Readonly<Record<"early" | "open" | "soldOut", string>>;
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export async function openScene(): Promise<PhotographedScene> {
  const { stack, end } = await startStackAlone();
  const services = createServices({
    ...{ REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: "screenshots" },
    PUBLIC_LAUNCH_PAGE: "on",
  });
  const { url } = await services.start();
  const clients = connectClients(url);
  return {
    url,
    operatorToken: OPERATOR_TOKEN,
    campaigns: {
      soldOut: await soldOut(clients),
      open: await createOpenCampaign(clients, {
        name: "Winter, second wave",
        total: 5_000,
        endsAt: timestampFromMs(Date.now() + DAY_MS),
      }),
      early: await early(clients),
    },
    async close() {
      await services.end();
      await end();
    },
  };
}

async function early(clients: Clients): Promise<string> {
  const startsAtMs = Math.ceil((Date.now() + 2 * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const { id } = await createCampaign(clients, { name: "New Year 2027", total: 20_000, startsAtMs });
  await untilState(clients, id, "SCHEDULED");
  return id;
}

async function soldOut(clients: Clients): Promise<string> {
  const total = 40;
  const campaignId = await createOpenCampaign(clients, { name: "Winter, first wave", total });
  const claim = (_: unknown, i: number) => clients.coupons.issueCoupon({ campaignId, userId: `user-${i}` });
  await Promise.all(Array.from({ length: total }, claim));
  await untilState(clients, campaignId, "SOLD_OUT");
  return campaignId;
}
