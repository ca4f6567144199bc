/** SCRAM-SHA-256 (RFC 5802 and 7677), the server's side, for one user. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

/** The least that RFC 7677 allows: the password is random, so that more would not protect it better. */
const ITERATIONS = 4_096;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 18;

/**
 * @typedef {{ first(text: string): string | undefined, last(text: string): string | undefined }} Conversation
 */

/** @param {string | Buffer} key @param {string} text */
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
/** @param {Buffer} bytes */
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/**
 * Begins a conversation. Each step returns what to answer, or undefined where the client is refused.
 *
 * @param {string} user
 * @param {string} password in ASCII
 * @returns {() => Conversation}
 */
export function createScram(user, password) {
  const salt = randomBytes(SALT_BYTES);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, "sha256");
  const storedKey = sha256(hmac(salted, "Client Key"));
  const serverKey = hmac(salted, "Server Key");

  return () => {
    let asked = "";
    let challenge = "";
    let nonce = "";
    return {
      first(text) {
        const [, bare, name, theirs] = /^n,,(n=([^,]*),r=([^,]+))$/.exec(text) ?? [];
        if (bare === undefined || name !== user) return undefined;
        asked = bare;
        nonce = `${theirs}${randomBytes(NONCE_BYTES).toString("base64")}`;
        challenge = `r=${nonce},s=${salt.toString("base64")},i=${ITERATIONS}`;
        return challenge;
      },
      last(text) {
        const [, unproven, theirs, proof] = /^(c=biws,r=([^,]+)),p=(.+)$/.exec(text) ?? [];
        if (challenge === "" || unproven === undefined || proof === undefined || theirs !== nonce)
          return undefined;
        const exchanged = `${asked},${challenge},${unproven}`;
        const signature = hmac(storedKey, exchanged);
        const proven = Buffer.from(proof, "base64");
        if (proven.length !== KEY_BYTES) return undefined;
        const clientKey = Buffer.from(proven.map((byte, i) => byte ^ (signature[i] ?? 0)));
        if (!timingSafeEqual(sha256(clientKey), storedKey)) return undefined;
        return `v=${hmac(serverKey, exchanged).toString("base64")}`;
      },
    };
  };
}
