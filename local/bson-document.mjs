/**
 * As much BSON as a pass-through needs: to write small flat documents, and to walk over the elements of one
 * level without looking into them.
 */

/** Element types by their one-byte code. */
export const BSON_TYPE = Object.freeze({ string: 0x02, document: 0x03, boolean: 0x08, int32: 0x10 });

/** Bytes of a value whose length its type says. */
const FIXED_BYTES = new Map([
  [0x01, 8], // double
  [0x06, 0], // undefined
  [0x07, 12], // object id
  [0x08, 1], // boolean
  [0x09, 8], // date
  [0x0a, 0], // null
  [0x10, 4], // int32
  [0x11, 8], // timestamp
  [0x12, 8], // int64
  [0x13, 16], // decimal128
  [0x7f, 0], // max key
  [0xff, 0], // min key
]);
/** Bytes to add to the length that such a value begins with. */
const BEYOND_LENGTH = new Map([
  [0x02, 4], // string
  [0x03, 0], // document
  [0x04, 0], // array
  [0x05, 5], // binary
  [0x0c, 16], // pointer
  [0x0d, 4], // code
  [0x0e, 4], // symbol
  [0x0f, 0], // code with scope
]);

/**
 * @typedef {{ type: number, name: string, start: number, value: number, end: number }} Element
 *   start, value and end: where in the buffer the element, its value and the next element begin
 */

/**
 * The elements of the document at an offset. Throws RangeError where it cannot be one.
 *
 * @param {Buffer} bytes
 * @param {number} at
 * @returns {Generator<Element>}
 */
export function* elementsOf(bytes, at) {
  const documentEnd = at + bytes.readInt32LE(at) - 1;
  for (let start = at + 4; start < documentEnd; ) {
    const type = bytes.readUInt8(start);
    const nameEnd = bytes.indexOf(0, start + 1);
    const value = nameEnd + 1;
    const end = value + valueBytes(bytes, type, value);
    if (nameEnd < 0 || end > documentEnd) throw new RangeError("an element reaches beyond its document");
    yield { type, name: bytes.toString("utf8", start + 1, nameEnd), start, value, end };
    start = end;
  }
}

/**
 * A document of 32-bit numbers, truth values and strings.
 *
 * @param {Record<string, number | boolean | string>} entries
 */
export function flatDocument(entries) {
  const parts = Object.entries(entries).flatMap(([key, value]) => {
    const name = Buffer.from(`${key}\0`);
    if (typeof value === "number") return [Buffer.of(BSON_TYPE.int32), name, int32(value)];
    if (typeof value === "boolean") return [Buffer.of(BSON_TYPE.boolean), name, Buffer.of(value ? 1 : 0)];
    const text = Buffer.from(`${value}\0`);
    return [Buffer.of(BSON_TYPE.string), name, int32(text.length), text];
  });
  const body = Buffer.concat([...parts, Buffer.of(0)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/**
 * @param {Buffer} bytes
 * @param {number} type
 * @param {number} at
 */
function valueBytes(bytes, type, at) {
  const fixed = FIXED_BYTES.get(type);
  if (fixed !== undefined) return fixed;
  const beyond = BEYOND_LENGTH.get(type);
  if (beyond !== undefined) return lengthAt(bytes, at) + beyond;
  if (type !== 0x0b) throw new RangeError(`unknown element type ${type}`);
  const patternEnd = bytes.indexOf(0, at); // a regular expression: two strings that end with 0
  const optionsEnd = patternEnd < 0 ? -1 : bytes.indexOf(0, patternEnd + 1);
  if (optionsEnd < 0) throw new RangeError("a regular expression without end");
  return optionsEnd + 1 - at;
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 */
function lengthAt(bytes, at) {
  const length = bytes.readInt32LE(at);
  if (length < 0) throw new RangeError(`a length of ${length}`);
  return length;
}

/** @param {number} value */
function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
