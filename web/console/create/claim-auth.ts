import { ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { PlainKey } from "../i18n/words.ts";

export const CLAIM_AUTHS: readonly (readonly [ClaimAuth, PlainKey])[] = [
  [ClaimAuth.UNSPECIFIED, "claimAuth.deployment"],
  [ClaimAuth.OPEN, "claimAuth.open"],
  [ClaimAuth.KEY, "claimAuth.key"],
  [ClaimAuth.TOKEN, "claimAuth.token"],
];

/** One that this page does not know is told as that of the deployment. */
export function claimAuthKey(claimAuth: ClaimAuth): PlainKey {
  return CLAIM_AUTHS.find(([known]) => known === claimAuth)?.[1] ?? "claimAuth.deployment";
}

export function claimAuthOf(value: string): ClaimAuth {
  return CLAIM_AUTHS.find(([known]) => String(known) === value)?.[0] ?? ClaimAuth.UNSPECIFIED;
}
