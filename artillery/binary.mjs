/**
 * IssueCoupon in protobuf's binary form, as a caller with `application/proto` sends and receives it, without
 * the service's generated code. tests/artillery/artillery.test.ts compares it with the contract.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * @param {string} campaignId
 * @param {string} userId
 */
export function encodeRequest(campaignId, userId) {
  return Buffer.concat([textField(1, campaignId), textField(2, userId)]);
}

/**
 * An IssueCouponResponse in the shape of its JSON form.
 *
 * @param {Buffer} bytes
 */
export function decodeResponse(bytes) {
  const response = fieldsOf(bytes);
  const coupon = fieldsOf(bytesIn(response, 1));
  const issuedAt = fieldsOf(bytesIn(coupon, 4));
  const issuedAtMs = numberIn(issuedAt, 1) * 1_000 + Math.floor(numberIn(issuedAt, 2) / 1e6);
  return {
    coupon: {
      code: bytesIn(coupon, 1).toString(),
      campaignId: bytesIn(coupon, 2).toString(),
      seq: numberIn(coupon, 3),
      issuedAt: new Date(issuedAtMs).toISOString(),
    },
    replayed: numberIn(response, 2) === 1,
  };
}

/**
 * @param {number} number
 * @param {string} text
 */
function textField(number, text) {
  const bytes = Buffer.from(text);
  if (bytes.length > 127) throw new Error("a text of more than 127 bytes is not written here");
  return Buffer.concat([Buffer.from([number * 8 + LENGTH_DELIMITED, bytes.length]), bytes]);
}

/**
 * @param {Buffer} bytes
 * @returns {Map<number, number | Buffer>} by number
 */
export function fieldsOf(bytes) {
  const fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    throw new Error("a varint is cut off");
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag % 8;
    const number = Math.floor(tag / 8);
    if (type === VARINT) {
      fields.set(number, varint());
    } else if (type === LENGTH_DELIMITED) {
      const length = varint(); // moves `at` itself, so it must come first
      if (at + length > bytes.length) throw new Error("a field is cut off");
      fields.set(number, bytes.subarray(at, at + length));
      at += length;
    } else {
      throw new Error(`wire type ${type} is not one of the contract's`);
    }
  }
  return fields;
}

/**
 * @param {Map<number, number | Buffer>} fields
 * @param {number} number
 */
function bytesIn(fields, number) {
  const value = fields.get(number);
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

/**
 * @param {Map<number, number | Buffer>} fields
 * @param {number} number
 */
function numberIn(fields, number) {
  const value = fields.get(number);
  return typeof value === "number" ? value : 0;
}
