import type { Claim } from "../pool/answers.ts";
import type { IssuanceDoc } from "../record/documents.ts";

/** The issuance that makes a claim durable. */
export function issuanceOf(claim: Claim): IssuanceDoc {
  return {
    _id: claim.code,
    campaignId: claim.campaignId,
    claimKey: claim.claimKey,
    ...(claim.userId === "" ? {} : { userId: claim.userId }),
    ...(claim.place === undefined ? {} : { place: claim.place }),
    generation: claim.generation,
    seq: claim.seq,
    issuedAt: new Date(claim.issuedAtMs),
  };
}

/** The claim by which the pool holds a durable issuance. */
export function claimOf(issuance: IssuanceDoc): Claim {
  const claim = {
    campaignId: issuance.campaignId,
    claimKey: issuance.claimKey,
    userId: issuance.userId ?? "",
    code: issuance._id,
    generation: issuance.generation,
    seq: issuance.seq,
    issuedAtMs: issuance.issuedAt.getTime(),
  };
  return issuance.place === undefined ? claim : { ...claim, place: issuance.place };
}
