/** Bytes and their texts, for any JavaScript engine: uses no Buffer. */

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Map([...LETTERS].map((letter, value) => [letter, value]));
const encoder = new TextEncoder();

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/**
 * The bytes of a base64url text without padding; undefined: it is none, or another text stands for the same
 * bytes.
 *
 * @param {unknown} text
 * @param {number} [length] how many bytes there must be
 * @returns {Uint8Array | undefined}
 */
export function fromBase64url(text, length) {
  if (typeof text !== "string" || text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  if (length !== undefined && bytes.length !== length) return undefined;
  let bits = 0;
  let count = 0;
  let at = 0;
  for (const letter of text) {
    const value = VALUES.get(letter);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xfff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[at++] = bits >> count;
  }
  // Bits that are left over must be zero.
  return (bits & ((1 << count) - 1)) === 0 ? bytes : undefined;
}

/** @param {Uint8Array} bytes */
export function toBase64url(bytes) {
  let text = "";
  let bits = 0;
  let count = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff;
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += LETTERS[(bits >> count) & 63];
    }
  }
  return count === 0 ? text : text + LETTERS[(bits << (6 - count)) & 63];
}

/** @param {readonly Uint8Array[]} parts */
export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * @param {Uint8Array | undefined} one
 * @param {Uint8Array | undefined} other
 */
export function isEqual(one, other) {
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  return one.every((byte, i) => byte === other[i]);
}

/**
 * The lines of a UTF-8 file, without their line ends (LF).
 *
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {number} lineMax characters of the longest line that is read
 * @returns {AsyncGenerator<string>}
 * @throws {TypeError} where a byte sequence is not UTF-8
 * @throws {RangeError} where a line is longer
 */
export async function* linesOf(chunks, lineMax = 4_000_000) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > lineMax) throw new RangeError(`a line has more than ${lineMax} characters`);
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
