import { fromBase64url, isEqual } from "./bytes.mjs";
import { readCertificateHead } from "./certificate.mjs";
import { isSameCommitment, readCommitment } from "./commitment.mjs";
import { opensKey } from "./holder.mjs";
import { codeHashOf, issuanceHashOf } from "./leaves.mjs";
import { leadsToRoot } from "./merkle.mjs";
import { bytesIn, countIn, objectIn, Refused, textIn } from "./statement.mjs";

export const PROOF = "coupon-issuer/proof/1";

const U32_MAX = 0xffffffff;
/** A code as it is typed has blanks, hyphens and small letters, which are not in what is hashed. */
const SEPARATORS = /[\p{White_Space}\p{Dash}]/gu;

/** More than a path of any campaign has. */
const PATH_MAX = 64;

/**
 * @param {Record<string, unknown>} object
 * @param {string} field
 */
function pathIn(object, field) {
  const bytes = fromBase64url(object[field]);
  if (bytes === undefined || bytes.length % 32 !== 0 || bytes.length > PATH_MAX * 32)
    throw new Refused("format", `${field} is no list of hashes`);
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.slice(i * 32, i * 32 + 32));
}

/**
 * A winner's proof: its line, the two lines of the commitment, and the two lines of the certificate's
 * statement unless it was made before there was one.
 *
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {{ publicKey?: string, code?: string } & import("./holder.mjs").Holder} [given]
 */
export async function readProof(lines, tools, { publicKey, code, user, request } = {}) {
  const { sha256 } = tools;
  const proof = objectIn(lines[0], "the proof");
  if (proof["format"] !== PROOF) throw new Refused("format", "the proof has another format");
  const campaign = textIn(proof, "campaign");
  const ordinal = countIn(proof, "ordinal");
  const codeHash = bytesIn(proof, "codeHash", 32);
  const commitment = await readCommitment(lines.slice(1, 3), tools, publicKey);
  if (commitment.campaign !== campaign)
    throw new Refused("campaign", `the commitment is of the campaign ${commitment.campaign}`);
  const isCommitted = leadsToRoot(sha256, {
    leaf: codeHash,
    index: ordinal - commitment.first,
    size: commitment.size,
    path: pathIn(proof, "commitmentPath"),
    root: commitment.root,
  });
  if (!isCommitted)
    throw new Refused("commitment-path", "the code is not among those that were committed to");
  const spellings = code === undefined ? [] : [code, code.replace(SEPARATORS, "").toUpperCase()];
  if (
    code !== undefined &&
    !spellings.some((one) => isEqual(codeHash, codeHashOf(sha256, bytesIn(proof, "codeSalt", 32), one)))
  )
    throw new Refused("code", "the proof is of another code than the one that was given");
  const facts = { campaign, ordinal, commitment, opensCode: code !== undefined };
  if (lines.length < 4) {
    if (user !== undefined || request !== undefined)
      throw new Refused("user", "the proof has no certificate, so it does not show whose the coupon is");
    return { ...facts, opensUser: false };
  }
  return {
    ...facts,
    ...(await readIssuance(lines, proof, { ...facts, codeHash }, tools, publicKey, { user, request })),
  };
}

/**
 * @param {readonly string[]} lines
 * @param {Record<string, unknown>} proof
 * @param {{ campaign: string, ordinal: number, codeHash: Uint8Array,
 *   commitment: import("./commitment.mjs").Commitment }} code
 * @param {import("./statement.mjs").Tools} tools
 * @param {string | undefined} publicKey
 * @param {import("./holder.mjs").Holder} holder
 */
async function readIssuance(lines, proof, code, tools, publicKey, holder) {
  const { campaign, ordinal, codeHash, commitment } = code;
  const { sha256 } = tools;
  const head = await readCertificateHead(lines[3] ?? "", lines[4], tools, publicKey);
  if (head.campaign !== campaign)
    throw new Refused("campaign", `the certificate is of the campaign ${head.campaign}`);
  if (!isSameCommitment(head.commitments[commitment.number - 1], commitment))
    throw new Refused("commitment", "the certificate has another commitment than the proof");
  const rank = countIn(proof, "rank");
  const keyHash = bytesIn(proof, "keyHash", 32);
  const issuedAtMs = countIn(proof, "issuedAtMs");
  const entry = {
    ...{ codeHash, keyHash, ordinal, issuedAtMs },
    generation: countIn(proof, "generation"),
    seq: countIn(proof, "seq"),
  };
  if (Math.max(ordinal, entry.generation, entry.seq) > U32_MAX)
    throw new Refused("format", "ordinal, generation or seq is no number of 32 bits");
  const isCertified = leadsToRoot(sha256, {
    leaf: issuanceHashOf(sha256, rank, entry),
    index: rank - 1,
    size: head.issued,
    path: pathIn(proof, "issuePath"),
    root: head.issueRoot,
  });
  if (!isCertified)
    throw new Refused("issue-path", `the certificate does not have this issuance at rank ${rank}`);
  return { head, rank, issuedAtMs, opensUser: opensKey(sha256, proof, keyHash, holder, "the proof") };
}
