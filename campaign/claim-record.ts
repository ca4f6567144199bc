import type { Claim } from "../pool/answers.ts";
import type { IssuanceDoc } from "../record/documents.ts";

/** What a claim becomes when it is made durable. */
export function issuanceOf(claim: Claim): IssuanceDoc {
  return {
    _id: claim.code,
    campaignId: claim.campaignId,
    claimKey: claim.claimKey,
    ...(claim.userId === "" ? {} : { userId: claim.userId }),
    generation: claim.generation,
    seq: claim.seq,
    issuedAt: new Date(claim.issuedAtMs),
  };
}

/** What a durable issuance looks like in the pool. */
export function claimOf(issuance: IssuanceDoc): Claim {
  return {
    campaignId: issuance.campaignId,
    claimKey: issuance.claimKey,
    userId: issuance.userId ?? "",
    code: issuance._id,
    generation: issuance.generation,
    seq: issuance.seq,
    issuedAtMs: issuance.issuedAt.getTime(),
  };
}
