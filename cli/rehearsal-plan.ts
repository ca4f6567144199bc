import { pressingTwice } from "../callers/arrivals.ts";
import type { Campaign } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { Input } from "./command.ts";
import { UserError } from "./user-error.ts";

/** The settings of a rehearsal. */
export interface RehearsalPlan {
  readonly total: number;
  readonly users: number;
  readonly ratePerSecond: number;
  /** The time from the request for the rehearsal to its start. */
  readonly leadMs: number;
  readonly seed: number;
  /** The last press is due so long after the start. */
  readonly pressingMs: number;
}

const maxTotal = 5_000_000;
const maxUsers = 200_000;
const maxRate = 5_000;
const defaultRate = 1_000;
const maxLeadMs = 3_600_000;
/** The first presses come two seconds before the start, and the shadow must exist by then. */
const minLeadSeconds = 3;
const maxSeed = 2 ** 31 - 1;
/** More users than coupons, as in a real launch. */
const usersPerCoupon = 1.2;
/** Presses begin so long before the start. */
export const secondsBefore = 2;
/** The time for the preflights of the command and of the schedulers. */
const baseLeadMs = 15_000;
/** A careful guess of the codes made in a millisecond. */
const codesPerMs = 10;

export function pressesOf(users: number): number {
  return users + pressingTwice(users);
}

export function readPlan(input: Input, campaign: Campaign): RehearsalPlan {
  const total = input.wholeNumber("--total", 1, maxTotal) ?? campaign.total;
  const ratePerSecond = input.wholeNumber("--rate", 1, maxRate) ?? defaultRate;
  const users =
    input.wholeNumber("--users", 1, maxUsers) ?? Math.min(maxUsers, Math.ceil(total * usersPerCoupon));
  const leadSeconds = input.wholeNumber("--in", minLeadSeconds, maxLeadMs / 1_000);
  const leadMs = leadSeconds === undefined ? baseLeadMs + Math.ceil(total / codesPerMs) : leadSeconds * 1_000;
  if (leadMs > maxLeadMs) throw new UserError("the start is more than an hour away", { hint: "give --in" });
  const seed = input.wholeNumber("--seed", 0, maxSeed) ?? Date.now() % maxSeed;
  const pressingMs = Math.ceil((pressesOf(users) * 1_000) / ratePerSecond);
  return { total, users, ratePerSecond, leadMs, seed, pressingMs };
}
