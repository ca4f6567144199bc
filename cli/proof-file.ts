import type { GetIssuanceProofResponse } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { IssuanceProof, SignedStatement } from "../proto/gen/coupon/v1/proof_pb.ts";

/** The files of docs/proof.md, as anyone can write them from the answers of the service. */

const text64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

/** A statement and its signature. */
export function statementLines({ statement, signature }: SignedStatement): string[] {
  return [statement, JSON.stringify({ signature: text64(signature) })];
}

/** The first line of a proof. */
export function proofLine(campaign: string, proof: IssuanceProof): string {
  const { ordinal, rank, generation, seq, issuedAtMs } = proof;
  return JSON.stringify({
    ...{ format: "coupon-issuer/proof/1", campaign, ordinal },
    codeHash: text64(proof.codeHash),
    codeSalt: text64(proof.codeSalt),
    commitmentPath: text64(proof.commitmentPath),
    ...(rank === 0
      ? {}
      : {
          ...{ rank, generation, seq, issuedAtMs: Number(issuedAtMs), keyHash: text64(proof.keyHash) },
          ...(proof.keySalt.length === 0 ? {} : { keySalt: text64(proof.keySalt) }),
          issuePath: text64(proof.issuePath),
        }),
  });
}

/** The lines of a proof's file; undefined: the campaign has no commitment, or the deployment no key. */
export function proofFile(campaign: string, answer: GetIssuanceProofResponse): string[] | undefined {
  const { proof, commitment, certificate } = answer;
  if (proof === undefined || commitment === undefined) return undefined;
  return [
    proofLine(campaign, proof),
    ...statementLines(commitment),
    ...(certificate === undefined ? [] : statementLines(certificate)),
  ];
}
