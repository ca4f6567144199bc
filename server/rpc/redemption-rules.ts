import { invalid, LATEST_MS, type Valid, valid } from "../../campaign/valid.ts";
import type { RedemptionRules } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import type { RedemptionRulesDoc } from "../../record/redemption-documents.ts";
import { grouped, limitBroken } from "../../runtime/counting.ts";
import { validInstant } from "./valid-instant.ts";

const DAYS_MAX = 3_650;
const REDEMPTIONS_MAX = 1_000;

/** The rules of a new campaign as they are recorded; undefined: the defaults. */
export function validRedemptionRules(
  given: RedemptionRules | undefined,
  startsAtMs: number,
  nowMs: number,
): Valid<RedemptionRulesDoc | undefined> {
  if (given === undefined) return valid(undefined);
  const from = given.validFrom && validInstant("redemption.valid_from", given.validFrom);
  if (from?.ok === false) return from;
  const until = given.validUntil && validInstant("redemption.valid_until", given.validUntil);
  if (until?.ok === false) return until;
  const untilMs = until?.value ?? LATEST_MS;
  const afterMs = Math.max(from?.value ?? startsAtMs, startsAtMs, nowMs);
  if (untilMs <= afterMs) {
    const rule = `must be after now, starts_at and redemption.valid_from: after ${new Date(afterMs).toISOString()}`;
    return invalid("redemption.valid_until", rule);
  }
  const days = within("redemption.valid_days", given.validDays, DAYS_MAX);
  if (days !== undefined) return days;
  const max = within("redemption.max_redemptions", given.maxRedemptions, REDEMPTIONS_MAX);
  if (max !== undefined) return max;
  const rules: RedemptionRulesDoc = {
    ...(from === undefined ? {} : { validFrom: new Date(from.value) }),
    ...(until === undefined ? {} : { validUntil: new Date(until.value) }),
    ...(given.validDays === 0 ? {} : { validDays: given.validDays }),
    ...(given.boundToUser ? { boundToUser: true } : {}),
    ...(given.maxRedemptions <= 1 ? {} : { max: given.maxRedemptions }),
  };
  return valid(Object.keys(rules).length === 0 ? undefined : rules);
}

/** Of a campaign that does not know its users, no coupon could be bound to one. */
export function validBinding(
  rules: RedemptionRulesDoc | undefined,
  knowsUsers: boolean,
): Valid<RedemptionRulesDoc | undefined> {
  if (rules?.boundToUser !== true || knowsUsers) return valid(rules);
  return invalid(
    "redemption.bound_to_user",
    "must be false unless one_per_user is true or claim_auth is TOKEN: the campaign does not know its users",
  );
}

function within(field: string, value: number, most: number): ReturnType<typeof invalid> | undefined {
  const limit = limitBroken(value, 0, most);
  return limit === undefined ? undefined : invalid(field, `is ${grouped(value)}: must be ${limit}`);
}
