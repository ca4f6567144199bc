import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  CouponRedemptionsSchema,
  RedemptionRulesSchema,
  RedemptionSchema,
  RedemptionState,
} from "../../proto/gen/coupon/v1/redemption_pb.ts";
import type {
  RedemptionDoc,
  RedemptionRulesDoc,
  UseDoc,
  UseState,
  VoidChangeDoc,
} from "../../record/redemption-documents.ts";

const STATES: Readonly<Record<UseState, RedemptionState>> = {
  reserved: RedemptionState.RESERVED,
  confirmed: RedemptionState.CONFIRMED,
  cancelled: RedemptionState.CANCELLED,
  expired: RedemptionState.EXPIRED,
};

export function viewRedemptionRules(rules: RedemptionRulesDoc) {
  const { validFrom, validUntil, validDays = 0, boundToUser = false, max = 1 } = rules;
  return create(RedemptionRulesSchema, {
    ...(validFrom === undefined ? {} : { validFrom: timestampFromDate(validFrom) }),
    ...(validUntil === undefined ? {} : { validUntil: timestampFromDate(validUntil) }),
    ...{ validDays, boundToUser, maxRedemptions: max },
  });
}

export function viewRedemption({ _id, campaignId }: Pick<RedemptionDoc, "_id" | "campaignId">, use: UseDoc) {
  const { key, state, by, reservedAt, until, endedAt } = use;
  const view: MessageInitShape<typeof RedemptionSchema> = {
    ...{ code: _id, campaignId, key, state: STATES[state], redeemer: by },
  };
  if (reservedAt !== undefined) view.reservedAt = timestampFromDate(reservedAt);
  if (until !== undefined) view.expiresAt = timestampFromDate(until);
  if (endedAt !== undefined) view.endedAt = timestampFromDate(endedAt);
  return create(RedemptionSchema, view);
}

/** `uses`: as they are now. */
export function viewCouponRedemptions(
  redemption: RedemptionDoc,
  uses: readonly UseDoc[],
  { fromMs, untilMs, max }: { readonly fromMs: number; readonly untilMs: number; readonly max: number },
) {
  const view: MessageInitShape<typeof CouponRedemptionsSchema> = {
    ...{ code: redemption._id, campaignId: redemption.campaignId, voided: redemption.voided },
    voidChanges: redemption.voidChanges.map(viewVoidChange),
    redemptions: uses.map((use) => viewRedemption(redemption, use)),
    maxRedemptions: max,
  };
  if (Number.isFinite(fromMs)) view.validFrom = timestampFromMs(fromMs);
  if (Number.isFinite(untilMs)) view.validUntil = timestampFromMs(untilMs);
  return create(CouponRedemptionsSchema, view);
}

const viewVoidChange = ({ at, actor, voided, reason = "" }: VoidChangeDoc) => ({
  ...{ at: timestampFromDate(at), actor, voided, reason },
});
