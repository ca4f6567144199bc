import { opensKey } from "./holder.mjs";
import { bytesIn, countIn, signedStatement, textIn } from "./statement.mjs";

export const RECEIPT = "coupon-issuer/receipt/1";

/**
 * A loser's receipt: a statement and its signature.
 *
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {{ publicKey?: string } & import("./holder.mjs").Holder} [given]
 */
export async function readReceipt([line = "", signature], tools, { publicKey, ...holder } = {}) {
  const statement = await signedStatement(line, signature, RECEIPT, tools, publicKey);
  const keyHash = bytesIn(statement, "keyHash", 32);
  return {
    campaign: textIn(statement, "campaign"),
    server: textIn(statement, "server"),
    atMs: countIn(statement, "atMs"),
    reason: textIn(statement, "reason"),
    publicKey: textIn(statement, "publicKey"),
    opensUser: opensKey(tools.sha256, statement, keyHash, holder, "the receipt"),
  };
}
