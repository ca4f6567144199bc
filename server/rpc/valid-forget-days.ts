import { invalid, type Valid, valid } from "../../campaign/valid.ts";
import { grouped, limitBroken } from "../../runtime/counting.ts";

const FIELD = "forget_users_after_days";
/** Ten years. */
const DAYS_MAX = 3_650;

/** Why a server without ERASURE_KEY refuses a number of days. */
export const NO_ERASURE_KEY = "must be 0 here: this server has no ERASURE_KEY to make pseudonyms with";

/** After how many days users are erased; undefined for 0, whose meaning `zero` says. */
export function validForgetDays(days: number, zero: "never" | "unchanged"): Valid<number | undefined> {
  if (days === 0) return valid(undefined);
  const limit = limitBroken(days, 1, DAYS_MAX);
  return limit === undefined
    ? valid(days)
    : invalid(FIELD, `is ${grouped(days)}: must be ${limit}, or 0: ${zero}`);
}

/** The number of days that a change gives; null: users are kept; undefined: it is unchanged. */
export function validNewForgetDays(days: number, keepUsers: boolean): Valid<number | null | undefined> {
  if (days !== 0 && keepUsers) return invalid(FIELD, "must be 0 where keep_users is true");
  return keepUsers ? valid(null) : validForgetDays(days, "unchanged");
}
