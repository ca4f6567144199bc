import type { IssuanceDoc } from "../record/documents.ts";
import type { RedemptionRulesDoc } from "../record/redemption-documents.ts";

/** A coupon may be redeemed from `fromMs` (inclusive) to `untilMs` (exclusive), in ms since the epoch. */
export type Validity = { readonly fromMs: number; readonly untilMs: number };

export const DAY_MS = 86_400_000;

/** An infinite number is no limit. */
export function validityOf(
  { validFrom, validUntil, validDays }: RedemptionRulesDoc,
  { issuedAt }: Pick<IssuanceDoc, "issuedAt">,
): Validity {
  const end = validUntil?.getTime() ?? Number.POSITIVE_INFINITY;
  const ofDays = validDays === undefined ? Number.POSITIVE_INFINITY : issuedAt.getTime() + validDays * DAY_MS;
  return { fromMs: validFrom?.getTime() ?? Number.NEGATIVE_INFINITY, untilMs: Math.min(end, ofDays) };
}
