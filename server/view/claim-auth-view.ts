import { ClaimAuth } from "../../proto/gen/coupon/v1/campaign_pb.ts";

type Mode = "open" | "key" | "token";

const VIEWS: Readonly<Record<Mode, ClaimAuth>> = {
  open: ClaimAuth.OPEN,
  key: ClaimAuth.KEY,
  token: ClaimAuth.TOKEN,
};

export function viewClaimAuth(mode: Mode = "open"): ClaimAuth {
  return VIEWS[mode];
}

/** undefined: the request leaves it to the deployment. null: a number that is no mode. */
export function claimAuthIn(given: ClaimAuth): Mode | undefined | null {
  if (given === ClaimAuth.UNSPECIFIED) return undefined;
  const found = (["open", "key", "token"] as const).find((mode) => VIEWS[mode] === given);
  return found ?? null;
}
