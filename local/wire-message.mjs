/**
 * MongoDB wire protocol messages, as far as a pass-through has to parse them: where one ends, which command
 * it carries, and how a reply is framed.
 */
import { BSONType, Double, onDemand, serialize } from "bson";

/** The `maxMessageSizeBytes` of MongoDB; a longer message ends the connection, as on a mongod. */
export const MAX_MESSAGE_BYTES = 48_000_000;

const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_MSG = 2013;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 1 << 1;
const EXHAUST_ALLOWED = 1 << 16;
const CHECKSUM_BYTES = 4;
const BODY_SECTION = 0;

/** `{ok: 1.0}` */
export const OK_DOCUMENT = serialize({ ok: new Double(1) });

/** @param {Buffer} message */
export const isOpMsg = (message) => message.length >= HEADER_BYTES && message.readInt32LE(12) === OP_MSG;

/** Cuts a byte stream into messages, however it was split or coalesced on its way. */
export class MessageReader {
  /** @type {Buffer[]} */
  #chunks = [];
  #bufferedBytes = 0;

  /** @param {Buffer} chunk */
  push(chunk) {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
  }

  /**
   * The next whole message, or undefined until more bytes came. Throws on a length no message can have.
   *
   * @returns {Buffer | undefined}
   */
  next() {
    if (this.#bufferedBytes < HEADER_BYTES) return undefined;
    const first = this.#chunks[0];
    const head = first !== undefined && first.length >= HEADER_BYTES ? first : this.#joined();
    const lengthBytes = head.readInt32LE(0);
    if (lengthBytes < HEADER_BYTES || lengthBytes > MAX_MESSAGE_BYTES) {
      throw new RangeError(
        `a message of ${lengthBytes} bytes is outside ${HEADER_BYTES}..${MAX_MESSAGE_BYTES}`,
      );
    }
    if (this.#bufferedBytes < lengthBytes) return undefined;
    const all = this.#joined();
    const rest = all.subarray(lengthBytes);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bufferedBytes = rest.length;
    return all.subarray(0, lengthBytes);
  }

  #joined() {
    const [first] = this.#chunks;
    const all = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

/**
 * The same message without the two flags the engine refuses: a checksum is cut off, and the permission to
 * send several replies is not used (the protocol lets the receiver do both).
 *
 * @param {Buffer} message
 */
export function withoutRefusedFlags(message) {
  if (message.length < HEADER_BYTES + CHECKSUM_BYTES || !isOpMsg(message)) return message;
  const flags = message.readUInt32LE(16);
  if ((flags & (CHECKSUM_PRESENT | EXHAUST_ALLOWED)) === 0) return message;
  const kept =
    (flags & CHECKSUM_PRESENT) === 0 ? message : message.subarray(0, message.length - CHECKSUM_BYTES);
  kept.writeInt32LE(kept.length, 0);
  kept.writeUInt32LE((flags & ~(CHECKSUM_PRESENT | EXHAUST_ALLOWED)) >>> 0, 16);
  return kept;
}

/**
 * Where an OP_MSG's body document begins and ends; undefined: the message is no OP_MSG or has no body.
 *
 * @param {Buffer} message
 * @returns {{ start: number, end: number } | undefined}
 */
export function bodyOf(message) {
  if (!isOpMsg(message)) return undefined;
  let at = HEADER_BYTES + 4;
  while (at + 6 <= message.length) {
    const sectionEnd = at + 1 + message.readInt32LE(at + 1);
    if (sectionEnd <= at + 5 || sectionEnd > message.length) return undefined;
    if (message[at] === BODY_SECTION) return { start: at + 1, end: sectionEnd };
    at = sectionEnd;
  }
  return undefined;
}

/**
 * The command that an OP_MSG carries: the first key of its body, and the collection where its value is a
 * name.
 *
 * @param {Buffer} message
 * @returns {{ name: string, collection: string | undefined } | undefined}
 */
export function commandOf(message) {
  const body = bodyOf(message);
  if (body === undefined) return undefined;
  const [first] = onDemand.parseToElements(message.subarray(body.start, body.end));
  if (first === undefined) return undefined;
  const [type, nameAt, nameBytes, valueAt, valueBytes] = first;
  /** @param {number} at @param {number} bytes */
  const text = (at, bytes) => message.toString("utf8", body.start + at, body.start + at + bytes);
  return {
    name: text(nameAt, nameBytes),
    // A string begins with its length and ends with a zero.
    collection: type === BSONType.string ? text(valueAt + 4, valueBytes - 5) : undefined,
  };
}

/** @param {Buffer} message an OP_MSG */
export function wantsNoReply(message) {
  return (message.readUInt32LE(16) & MORE_TO_COME) !== 0;
}

/** @param {Buffer} message */
export function requestIdOf(message) {
  return message.readInt32LE(4);
}

/**
 * An OP_MSG of one document: a reply or a request.
 *
 * @param {Uint8Array} document
 * @param {{ id: number, responseTo: number }} ids
 */
export function messageOf(document, { id, responseTo }) {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 5 + document.length);
  writeHeader(frame, id, responseTo, OP_MSG);
  frame.writeUInt32LE(0, 16);
  frame.writeUInt8(0, 20);
  frame.set(document, HEADER_BYTES + 5);
  return frame;
}

/**
 * An OP_REPLY of one document: the answer to a legacy OP_QUERY handshake.
 *
 * @param {Uint8Array} document
 * @param {{ id: number, responseTo: number }} ids
 */
export function legacyReplyOf(document, { id, responseTo }) {
  const frame = Buffer.alloc(HEADER_BYTES + 20 + document.length);
  writeHeader(frame, id, responseTo, OP_REPLY);
  frame.writeInt32LE(1, 32); // number returned; response flags, cursor id and start stay 0
  frame.set(document, HEADER_BYTES + 20);
  return frame;
}

/**
 * @param {Buffer} frame
 * @param {number} id
 * @param {number} responseTo
 * @param {number} opCode
 */
function writeHeader(frame, id, responseTo, opCode) {
  frame.writeInt32LE(frame.length, 0);
  frame.writeInt32LE(id, 4);
  frame.writeInt32LE(responseTo, 8);
  frame.writeInt32LE(opCode, 12);
}
