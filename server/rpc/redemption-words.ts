import type { Refusal } from "../../campaign/refusal.ts";

type OfRedemption = Extract<
  Refusal,
  {
    readonly reason:
      | "NOT_VALID_YET"
      | "VALIDITY_OVER"
      | "VOIDED"
      | "RESERVED"
      | "REDEEMED"
      | "NO_RESERVATION"
      | "RESERVATION_OVER";
  }
>;

const at = (ms: number) => new Date(ms).toISOString();

/** The message of a refusal to redeem a coupon. */
export function redemptionWords(refusal: OfRedemption): string {
  switch (refusal.reason) {
    case "NOT_VALID_YET":
      return `the coupon can be redeemed from ${at(refusal.fromMs)} on`;
    case "VALIDITY_OVER":
      return `the coupon could be redeemed until ${at(refusal.untilMs)}`;
    case "VOIDED":
      return "an operator made this code void";
    case "RESERVED":
      return "another key has reserved this code";
    case "REDEEMED":
      return `this code was redeemed, by ${refusal.by}`;
    case "NO_RESERVATION":
      return "key: it has no reservation of this code";
    case "RESERVATION_OVER":
      return `key: its reservation ${refusal.how}; reserve with another key`;
    default:
      return refusal satisfies never;
  }
}
