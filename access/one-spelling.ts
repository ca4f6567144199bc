/**
 * Whether a token's signature is spelt as base64url spells it (RFC 4648, sections 3.5 and 5). Node's decoder,
 * and so the library, also takes padding, other characters and stray bits: one signature would have many
 * texts, each a token of its own to whatever keeps tokens by their text.
 */
export function isSpeltOneWay(token: string): boolean {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  return Buffer.from(signature, "base64url").toString("base64url") === signature;
}
