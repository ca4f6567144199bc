import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";

/** The instant that matters now, for the countdown. */
export type Moment =
  /** It opens at the instant. */
  | { readonly kind: "opens"; readonly epochMs: number }
  /** It would open at the instant if it were resumed. */
  | { readonly kind: "wouldOpen"; readonly epochMs: number }
  /** It issues coupons until the instant. */
  | { readonly kind: "ends"; readonly epochMs: number }
  /** There is nothing to wait for; it opened at the instant, undefined: never. */
  | { readonly kind: "since"; readonly epochMs: number | undefined };

export function momentOf({ state, startsAt, endsAt, openedAt }: Campaign): Moment {
  const startsAtMs = startsAt === undefined ? undefined : timestampMs(startsAt);
  const openedAtMs = openedAt === undefined ? undefined : timestampMs(openedAt);
  const isOver = state === CampaignState.ENDED || state === CampaignState.CANCELLED;
  if (!isOver && openedAtMs === undefined && startsAtMs !== undefined) {
    if (state === CampaignState.PAUSED) return { kind: "wouldOpen", epochMs: startsAtMs };
    if (state === CampaignState.GENERATING || state === CampaignState.SCHEDULED)
      return { kind: "opens", epochMs: startsAtMs };
  }
  if (!isOver && endsAt !== undefined) return { kind: "ends", epochMs: timestampMs(endsAt) };
  return { kind: "since", epochMs: openedAtMs };
}
