import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { until } from "../../local/poll.ts";
import type { Campaign } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { Clients } from "./clients.ts";
import { HANG_MS } from "./patience.ts";

export async function createShadow(
  { campaigns }: Clients,
  campaignId: string,
  more: { readonly total?: number; readonly startsAtMs?: number; readonly requestId?: string } = {},
): Promise<Campaign> {
  const { startsAtMs = Date.now() - 1_000, ...rest } = more;
  const { campaign } = await campaigns.createRehearsal({
    campaignId,
    startsAt: timestampFromMs(startsAtMs),
    ...rest,
  });
  if (campaign === undefined) throw new Error("CreateRehearsal answered without a campaign");
  return campaign;
}

/** Repeats the call until the service answers that nothing of the shadow is left. */
export async function removeShadow({ campaigns }: Clients, campaignId: string): Promise<void> {
  const removed = await until(
    async () => (await campaigns.removeRehearsal({ campaignId })).removed,
    HANG_MS,
    50,
  );
  if (!removed) throw new Error(`rehearsal ${campaignId} is still not removed`);
}
