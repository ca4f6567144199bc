import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ClaimAuthMode, stricter } from "../../access/claim-auth-mode.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { validCampaignId } from "../../campaign/valid.ts";
import type { CampaignCache } from "../../claims/campaign-cache.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  type GetCampaignStatusResponse,
  GetCampaignStatusResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import { liveCampaign, viewMaxPerUser, viewState } from "../view/campaign-view.ts";
import { viewClaimAuth } from "../view/claim-auth-view.ts";
import type { LiveView, Look } from "../view/live-view.ts";

export type CampaignStatus =
  | { readonly kind: "status"; readonly status: GetCampaignStatusResponse }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export type CampaignStatusDeps = {
  liveView: LiveView;
  campaignCache: Pick<CampaignCache, "peek" | "find">;
  /** What the deployment demands. */
  claimAuthMode: ClaimAuthMode;
  clock: Clock;
};

/** Look-ups of campaigns that this server does not know: ids that there are not, in a crowd of them. */
const UNKNOWN_SLOTS = { what: "look-ups of unknown campaigns", atOnceMax: 2, waitingMax: 1_000 } as const;

/** No promise where the campaign was just read. Rejects when MongoDB does not answer. */
export type GetCampaignStatus = (campaignId: string) => CampaignStatus | Promise<CampaignStatus>;

/**
 * The one handler behind both transports. Calls share what was just read; each computes its own times. Only
 * campaigns that exist are looked at in both stores.
 */
export function createCampaignStatus({
  liveView,
  campaignCache,
  claimAuthMode,
  clock,
}: CampaignStatusDeps): GetCampaignStatus {
  const slots = createLookUpSlots(UNKNOWN_SLOTS);

  function tell(look: Look | null): CampaignStatus {
    if (look === null) return { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
    const { campaign, pool } = look;
    const nowMs = clock.now();
    const state = viewState(liveCampaign(campaign, pool));
    const isDry = state === CampaignState.OPEN && pool?.status === "ok" && pool.openCodes === 0;
    const status = create(GetCampaignStatusResponseSchema, {
      state,
      startsAt: timestampFromDate(campaign.startsAt),
      ...(campaign.endsAt === undefined ? {} : { endsAt: timestampFromDate(campaign.endsAt) }),
      serverTime: timestampFromMs(nowMs),
      millisToStart: BigInt(Math.max(0, campaign.startsAt.getTime() - nowMs)),
      soldOut: state === CampaignState.SOLD_OUT || isDry,
      onePerUser: campaign.onePerUser,
      maxPerUser: viewMaxPerUser(campaign),
      claimAuth: viewClaimAuth(stricter(claimAuthMode, campaign.claimAuth ?? "open")),
    });
    return { kind: "status", status };
  }

  async function lookUp(campaignId: string): Promise<CampaignStatus> {
    const isKnown =
      campaignCache.peek(campaignId) !== undefined ||
      (await slots.run(() => campaignCache.find(campaignId))) !== null;
    return tell(isKnown ? await liveView.look(campaignId) : null);
  }

  return (campaignId) => {
    const seen = liveView.peek(campaignId);
    if (seen !== undefined) return tell(seen);
    const valid = validCampaignId(campaignId);
    return valid.ok ? lookUp(valid.value) : { kind: "refused", refusal: valid.refusal };
  };
}
