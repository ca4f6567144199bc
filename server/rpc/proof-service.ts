import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Claim } from "../../pool/answers.ts";
import type { CouponService, GetIssuanceProofRequest } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CampaignCommitments } from "./campaign-commitments.ts";
import type { FindCoupon } from "./find-coupon.ts";
import type { ProveIssuance } from "./issuance-proofs.ts";
import { createRefuse } from "./refuse.ts";
import { remoteCallerOf } from "./remote-caller.ts";

export type ProofServiceDeps = {
  readonly campaignCommitments: Pick<CampaignCommitments, "answer">;
  /** A proof is for whoever may look the coupon up, and no more often. */
  readonly findCoupon: FindCoupon;
  readonly proveIssuance: ProveIssuance;
  readonly clock: Clock;
};

/** What anyone checks a launch with: the methods of the public service beside those of claims. */
export function createProofService(
  deps: ProofServiceDeps,
): Pick<ServiceImpl<typeof CouponService>, "getCampaignCommitment" | "getIssuanceProof"> {
  const { campaignCommitments, findCoupon, proveIssuance, clock } = deps;
  const { refuse } = createRefuse(clock);
  return {
    getCampaignCommitment: (request, context: HandlerContext) =>
      campaignCommitments.answer(request.campaignId, remoteCallerOf(context).address),

    async getIssuanceProof(request, context: HandlerContext) {
      const find = await findCoupon(request, remoteCallerOf(context));
      if (find.kind === "refused") throw refuse(find.refusal);
      return proveIssuance(find.coupon, claimedWith(request, find.coupon));
    },
  };
}

/** What the caller looked its coupon up by; a token names its user without it. Empty: by the code. */
function claimedWith({ userId, requestId, code }: GetIssuanceProofRequest, { claimKey }: Claim): string {
  if (code !== "") return "";
  if (userId !== "") return userId;
  return requestId !== "" ? requestId : claimKey;
}
