import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Claim, Inspection } from "../../pool/answers.ts";
import {
  type Campaign,
  CampaignSchema,
  CampaignState,
  type Coupon,
  CouponSchema,
} from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { viewClaimAuth } from "./claim-auth-view.ts";

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
    codeFormat: doc.codeFormat,
    claimAuth: viewClaimAuth(doc.claimAuth),
    generation: doc.generation,
    adding: doc.adding?.count ?? 0,
    revision: doc.revision ?? 0,
    rehearsalOf: doc.rehearsalOf ?? "",
  };
  if (doc.endsAt !== undefined) view.endsAt = timestampFromDate(doc.endsAt);
  if (doc.expiresAt !== undefined) view.expiresAt = timestampFromDate(doc.expiresAt);
  if (doc.openedAt !== undefined) view.openedAt = timestampFromDate(doc.openedAt);
  return create(CampaignSchema, view);
}

export function viewCoupon(coupon: Pick<Claim, "campaignId" | "code" | "seq" | "issuedAtMs">): Coupon {
  return create(CouponSchema, {
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
