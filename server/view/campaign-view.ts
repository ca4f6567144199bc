import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { viewMetadata } from "../../campaign/metadata.ts";
import type { Claim, Inspection } from "../../pool/answers.ts";
import {
  type Campaign,
  CampaignSchema,
  CampaignState,
  type Coupon,
  CouponSchema,
} from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { bufferOf } from "../../record/commitments.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { viewClaimAuth } from "./claim-auth-view.ts";
import { viewRedemptionRules } from "./redemption-view.ts";

/** A campaign as callers see it; `issued`: the count that was read from a store. */
export function viewCampaign(doc: CampaignDoc, issued: number): Campaign {
  const view: MessageInitShape<typeof CampaignSchema> = {
    id: doc._id,
    name: doc.name,
    state: viewState(doc),
    total: doc.total,
    generated: doc.generated,
    issued,
    startsAt: timestampFromDate(doc.startsAt),
    createdAt: timestampFromDate(doc.createdAt),
    onePerUser: doc.onePerUser,
    maxPerUser: viewMaxPerUser(doc),
    seriesId: doc.seriesId ?? "",
    codeFormat: doc.codeFormat,
    claimAuth: viewClaimAuth(doc.claimAuth),
    generation: doc.generation,
    adding: doc.adding?.count ?? 0,
    revision: doc.revision ?? 0,
    rehearsalOf: doc.rehearsalOf ?? "",
    metadata: viewMetadata(doc.metadata),
    forgetUsersAfterDays: doc.forgetUsersAfterDays ?? 0,
    codesImported: doc.imported !== undefined,
  };
  if (doc.redemption !== undefined) view.redemption = viewRedemptionRules(doc.redemption);
  const { commitment } = doc;
  if (commitment !== undefined) {
    const { number, first, size, root, at } = commitment;
    view.commitment = { number, first, size, root: bufferOf(root), madeAt: timestampFromDate(at) };
  }
  if (doc.endsAt !== undefined) view.endsAt = timestampFromDate(doc.endsAt);
  if (doc.expiresAt !== undefined) view.expiresAt = timestampFromDate(doc.expiresAt);
  if (doc.openedAt !== undefined) view.openedAt = timestampFromDate(doc.openedAt);
  return create(CampaignSchema, view);
}

/** How many coupons a user may have; 0: users are not counted. */
export function viewMaxPerUser({
  onePerUser,
  maxPerUser,
}: Pick<CampaignDoc, "onePerUser" | "maxPerUser">): number {
  return onePerUser ? 1 : (maxPerUser ?? 0);
}

/** `rank`: its place among all issuances of the campaign; 0: not told, or not known yet. */
export function viewCoupon(
  coupon: Pick<Claim, "campaignId" | "code" | "seq" | "issuedAtMs">,
  rank = 0,
): Coupon {
  return create(CouponSchema, {
    rank,
    code: coupon.code,
    campaignId: coupon.campaignId,
    seq: coupon.seq,
    issuedAt: timestampFromMs(coupon.issuedAtMs),
  });
}

export function viewState(doc: CampaignDoc): CampaignState {
  return CampaignState[doc.state];
}

/**
 * The campaign as it is this moment: its record may trail the pool by a tick of the scheduler, for example
 * when a claim opened it. Its state and the time of its opening belong together: neither is shown without the
 * other.
 */
export function liveCampaign(doc: CampaignDoc, pool: Inspection | undefined): CampaignDoc {
  const trails = doc.state === "SCHEDULED" || doc.state === "OPEN" || doc.state === "PAUSED";
  if (pool?.status !== "ok" || !trails) return doc;
  const opened =
    doc.openedAt === undefined && pool.armedAtMs > 0 ? { openedAt: new Date(pool.armedAtMs) } : {};
  if (pool.state === "ended") return { ...doc, ...opened, state: "ENDED" };
  return pool.state === "open" && doc.state !== "PAUSED" ? { ...doc, ...opened, state: "OPEN" } : doc;
}
