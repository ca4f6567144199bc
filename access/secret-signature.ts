import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";

/** Whether a token is signed with a secret (HS256); nothing of the token is decoded. */
export type IsSigned = (token: string) => boolean;

/**
 * The signature is the text behind the last dot, and covers all before that dot (RFC 7515, section 7.1).
 * Compared as text, in constant time: a signature has one spelling in base64url.
 */
export function createSecretSignature(secret: string): IsSigned {
  const key = createSecretKey(secret, "utf8");
  return (token) => {
    const dot = token.lastIndexOf(".");
    const given = Buffer.from(token.slice(dot + 1));
    const due = Buffer.from(createHmac("sha256", key).update(token.slice(0, dot)).digest("base64url"));
    return given.length === due.length && timingSafeEqual(given, due);
  };
}
