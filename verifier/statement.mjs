import { fromBase64url, utf8 } from "./bytes.mjs";

/**
 * A signed statement: a line of JSON that names its format and its signer's public key, and a line with the
 * Ed25519 signature over exactly the bytes of that line.
 */

/** @typedef {import("./merkle.mjs").Sha256} Sha256 */

/**
 * Public keys of small order, without their highest bit: anybody can make signatures that fit one of them.
 */
const WEAK_KEYS = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** @param {Uint8Array} key */
const isWeak = (key) =>
  WEAK_KEYS.includes(
    [...key].map((byte, i) => (i === 31 ? byte & 0x7f : byte).toString(16).padStart(2, "0")).join(""),
  );

/**
 * @typedef {{ sha256: Sha256, verifyEd25519: (publicKey: Uint8Array, signature: Uint8Array,
 *   message: Uint8Array) => boolean | Promise<boolean> }} Tools
 */

/** What was checked does not hold; `reason` is one word, the message says it in full. */
export class Refused extends Error {
  /**
   * @param {string} reason
   * @param {string} message
   */
  constructor(reason, message) {
    super(message);
    this.name = "Refused";
    this.reason = reason;
  }
}

/**
 * A line of JSON, which must be written as JSON.stringify writes it: so a line has one meaning for every
 * reader.
 *
 * @param {string | undefined} line
 * @param {string} what
 * @returns {Record<string, unknown>}
 */
export function objectIn(line, what) {
  let value;
  try {
    value = JSON.parse(line ?? "");
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || JSON.stringify(value) !== line)
    throw new Refused("format", `${what} is not one line of JSON without blanks`);
  return value;
}

/**
 * Checks the signature of a statement.
 *
 * @param {string} line
 * @param {string | undefined} signatureLine
 * @param {string} format
 * @param {Tools} tools
 * @param {string} [expectedKey] the public key that the reader trusts, base64url
 */
export async function signedStatement(line, signatureLine, format, tools, expectedKey) {
  const what = `the statement (${format})`;
  const statement = objectIn(line, what);
  if (statement["format"] !== format) throw new Refused("format", `${what} has another format`);
  const publicKey = fromBase64url(statement["publicKey"], 32);
  if (publicKey === undefined || isWeak(publicKey))
    throw new Refused("format", `${what}: publicKey is no key of 32 bytes that can sign`);
  if (expectedKey !== undefined && expectedKey !== statement["publicKey"])
    throw new Refused(
      "public-key",
      `${what} is signed with the key ${statement["publicKey"]}, and not with ${expectedKey}`,
    );
  const signature = fromBase64url(objectIn(signatureLine, "the line with the signature")["signature"], 64);
  if (signature === undefined)
    throw new Refused("format", `${what}: signature is no base64url of 64 bytes, without padding`);
  if (!(await tools.verifyEd25519(publicKey, signature, utf8(line))))
    throw new Refused("signature", `${what}: the signature does not fit it: one of the two was changed`);
  return statement;
}

const isCount = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;

/**
 * @param {Record<string, unknown>} object
 * @param {string} field
 * @returns {number}
 */
export function countIn(object, field) {
  const value = object[field];
  if (!isCount(value)) throw new Refused("format", `${field} is no whole number`);
  return Number(value);
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} field
 * @returns {number | null}
 */
export const countOrNullIn = (object, field) => (object[field] === null ? null : countIn(object, field));

/**
 * @param {Record<string, unknown>} object
 * @param {string} field
 * @param {number} length
 * @returns {Uint8Array}
 */
export function bytesIn(object, field, length) {
  const bytes = fromBase64url(object[field], length);
  if (bytes === undefined) throw new Refused("format", `${field} is not ${length} bytes in base64url`);
  return bytes;
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} field
 * @returns {string}
 */
export function textIn(object, field) {
  const value = object[field];
  if (typeof value !== "string") throw new Refused("format", `${field} is no text`);
  return value;
}
