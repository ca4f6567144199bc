import { isEqual } from "./bytes.mjs";
import { keyHashOf } from "./leaves.mjs";
import { bytesIn, countIn, Refused, signedStatement, textIn } from "./statement.mjs";

export const RECEIPT = "coupon-issuer/receipt/1";

/**
 * A loser's receipt: a statement and its signature.
 *
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {{ publicKey?: string, user?: string }} [given]
 */
export async function readReceipt([line = "", signature], tools, { publicKey, user } = {}) {
  const statement = await signedStatement(line, signature, RECEIPT, tools, publicKey);
  const keyHash = bytesIn(statement, "keyHash", 32);
  if (
    user !== undefined &&
    !isEqual(keyHash, keyHashOf(tools.sha256, bytesIn(statement, "keySalt", 32), user))
  )
    throw new Refused("user", "the receipt is of another user than the one that was given");
  return {
    campaign: textIn(statement, "campaign"),
    server: textIn(statement, "server"),
    atMs: countIn(statement, "atMs"),
    reason: textIn(statement, "reason"),
    publicKey: textIn(statement, "publicKey"),
    opensUser: user !== undefined,
  };
}
