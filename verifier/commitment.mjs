import { isEqual } from "./bytes.mjs";
import { bytesIn, countIn, Refused, signedStatement, textIn } from "./statement.mjs";

export const COMMITMENT = "coupon-issuer/commitment/1";

/**
 * @typedef {{ number: number, first: number, size: number, root: Uint8Array, madeAtMs: number }} Commitment
 */

/**
 * The facts of one commitment.
 *
 * @param {Record<string, unknown>} object
 * @returns {Commitment}
 */
export function commitmentIn(object) {
  return {
    number: countIn(object, "number"),
    first: countIn(object, "first"),
    size: countIn(object, "size"),
    root: bytesIn(object, "root", 32),
    madeAtMs: countIn(object, "madeAtMs"),
  };
}

/**
 * A signed commitment.
 *
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {string} [expectedKey]
 */
export async function readCommitment(lines, tools, expectedKey) {
  const [line = "", signature] = lines;
  const statement = await signedStatement(line, signature, COMMITMENT, tools, expectedKey);
  return {
    ...commitmentIn(statement),
    campaign: textIn(statement, "campaign"),
    publicKey: textIn(statement, "publicKey"),
  };
}

/**
 * Whether two are the same commitment.
 *
 * @param {Commitment | undefined} one
 * @param {Commitment} other
 */
export const isSameCommitment = (one, other) =>
  one !== undefined &&
  one.number === other.number &&
  one.first === other.first &&
  one.size === other.size &&
  one.madeAtMs === other.madeAtMs &&
  isEqual(one.root, other.root);

/**
 * The commitments in the statement of a certificate: they follow each other without a gap.
 *
 * @param {Record<string, unknown>} statement
 * @returns {Commitment[]}
 */
export function commitmentsIn(statement) {
  const list = statement["commitments"];
  if (!Array.isArray(list)) throw new Refused("format", "commitments is no list");
  const commitments = list.map((one) => commitmentIn(Object(one)));
  let first = 0;
  for (const [index, commitment] of commitments.entries()) {
    if (commitment.number !== index + 1 || commitment.first !== first || commitment.size === 0)
      throw new Refused("format", `commitment ${index + 1} does not follow the one before`);
    first += commitment.size;
  }
  return commitments;
}
