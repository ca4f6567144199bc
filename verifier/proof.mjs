import { fromBase64url } from "./bytes.mjs";
import { readCertificateHead } from "./certificate.mjs";
import { readCommitment } from "./commitment.mjs";
import { codeHashOf, issuanceHashOf, keyHashOf } from "./leaves.mjs";
import { leadsToRoot } from "./merkle.mjs";
import { bytesIn, countIn, objectIn, Refused, textIn } from "./statement.mjs";

export const PROOF = "coupon-issuer/proof/1";

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
 * @param {{ publicKey?: string, code?: string, user?: string }} [given]
 */
export async function readProof(lines, tools, { publicKey, code, user } = {}) {
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
  if (code !== undefined && !isHashOf(codeHash, codeHashOf(sha256, bytesIn(proof, "codeSalt", 32), code)))
    throw new Refused("code", "the proof is of another code than the one that was given");
  const facts = { campaign, ordinal, commitment, opensCode: code !== undefined };
  if (lines.length < 4) return { ...facts, opensUser: false };
  return {
    ...facts,
    ...(await readIssuance(lines, proof, { campaign, ordinal, codeHash }, tools, publicKey, user)),
  };
}

/**
 * @param {readonly string[]} lines
 * @param {Record<string, unknown>} proof
 * @param {{ campaign: string, ordinal: number, codeHash: Uint8Array }} code
 * @param {import("./statement.mjs").Tools} tools
 * @param {string | undefined} publicKey
 * @param {string | undefined} user
 */
async function readIssuance(lines, proof, { campaign, ordinal, codeHash }, tools, publicKey, user) {
  const { sha256 } = tools;
  const head = await readCertificateHead(lines[3] ?? "", lines[4], tools, publicKey);
  if (head.campaign !== campaign)
    throw new Refused("campaign", `the certificate is of the campaign ${head.campaign}`);
  const rank = countIn(proof, "rank");
  const keyHash = bytesIn(proof, "keyHash", 32);
  const issuedAtMs = countIn(proof, "issuedAtMs");
  const entry = {
    ...{ codeHash, keyHash, ordinal, issuedAtMs },
    generation: countIn(proof, "generation"),
    seq: countIn(proof, "seq"),
  };
  const isCertified = leadsToRoot(sha256, {
    leaf: issuanceHashOf(sha256, rank, entry),
    index: rank - 1,
    size: head.issued,
    path: pathIn(proof, "issuePath"),
    root: head.issueRoot,
  });
  if (!isCertified)
    throw new Refused("issue-path", `the certificate does not have this issuance at rank ${rank}`);
  if (user !== undefined && !isHashOf(keyHash, keyHashOf(sha256, bytesIn(proof, "keySalt", 32), user)))
    throw new Refused("user", "the proof is of another user than the one that was given");
  return { head, rank, issuedAtMs, opensUser: user !== undefined };
}

/**
 * @param {Uint8Array} hash
 * @param {Uint8Array} other
 */
const isHashOf = (hash, other) => hash.every((byte, i) => byte === other[i]);
