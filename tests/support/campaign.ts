import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { until } from "../../local/poll.ts";
import { enumName } from "../../proto/enum-name.ts";
import { type Campaign, CampaignState, CampaignStateSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignView,
  type CreateCampaignRequestSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Clients } from "./clients.ts";
import { HANG_MS } from "./patience.ts";

const AN_HOUR_MS = 3_600_000;

export type Wanted = Omit<MessageInitShape<typeof CreateCampaignRequestSchema>, "startsAt" | "$typeName"> & {
  /** Default: an hour ago; the campaign then opens as soon as its codes are loaded. */
  readonly startsAtMs?: number;
};

export async function createCampaign({ campaigns }: Clients, wanted: Wanted): Promise<Campaign> {
  const { startsAtMs = Date.now() - AN_HOUR_MS, ...rest } = wanted;
  const { campaign } = await campaigns.createCampaign({
    name: "a test",
    onePerUser: true,
    startsAt: timestampFromMs(startsAtMs),
    ...rest,
  });
  if (campaign === undefined) throw new Error("CreateCampaign answered without a campaign");
  return campaign;
}

/** Waits until GetCampaign returns one of the states. */
export async function untilState(
  { campaigns }: Clients,
  campaignId: string,
  ...states: readonly (keyof typeof CampaignState)[]
): Promise<Campaign> {
  let last: Campaign | undefined;
  const reached = await until(
    async () => {
      last = (await campaigns.getCampaign({ campaignId, view: CampaignView.BASIC })).campaign;
      return last !== undefined && states.some((state) => CampaignState[state] === last?.state);
    },
    HANG_MS,
    20,
  );
  if (last !== undefined && reached) return last;
  throw new Error(
    `campaign ${campaignId} is in state ${last && enumName(CampaignStateSchema, last.state)}, not ${states.join(" or ")}`,
  );
}

export async function createOpenCampaign(clients: Clients, wanted: Wanted): Promise<string> {
  const { id } = await createCampaign(clients, wanted);
  await untilState(clients, id, "OPEN");
  return id;
}
