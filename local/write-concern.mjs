import { BSONType, deserialize, onDemand, serialize } from "bson";
import { bodyOf } from "./wire-message.mjs";

/**
 * The engine drops `j` when `w` is "majority": it acknowledges writes that are not in its journal, and a kill
 * -9 loses them. With `w: 1, j: true` it journals first. On a single server both mean the same, so a majority
 * is replaced by that.
 *
 * A replica set of mongod journals before it acknowledges a majority unless the write has `j: false`, and
 * uses majority for a write without a write concern; this module does the same.
 */

const WRITE_COMMANDS = new Set(["insert", "update", "delete", "findAndModify", "findandmodify", "bulkWrite"]);

/**
 * @param {Buffer} message an OP_MSG
 * @returns {Buffer} the same, or a copy with the write concern spelled out
 */
export function withJournaledMajority(message) {
  const body = bodyOf(message);
  if (body === undefined) return message;
  /** @type {string | undefined} */
  let command;
  for (const [type, nameAt, nameBytes, valueAt, valueBytes] of onDemand.parseToElements(
    message,
    body.start,
  )) {
    const name = message.toString("utf8", nameAt, nameAt + nameBytes);
    command ??= name;
    if (name !== "writeConcern" || type !== BSONType.object) continue;
    const end = valueAt + valueBytes;
    const { w, j } = deserialize(message.subarray(valueAt, end));
    // A write concern without `w` means majority, too. An element begins with the byte of its type, before
    // its name.
    return w === undefined || w === "majority"
      ? replaced(message, body.start, { start: nameAt - 1, end }, { w: 1, j: j !== false })
      : message;
  }
  if (command === undefined || !WRITE_COMMANDS.has(command)) return message;
  const end = body.end - 1; // before the byte that ends the document
  return replaced(message, body.start, { start: end, end }, { w: 1, j: true });
}

/**
 * @param {Buffer} message
 * @param {number} bodyStart
 * @param {{ start: number, end: number }} place the bytes that the new element replaces
 * @param {Record<string, number | boolean>} concern
 */
function replaced(message, bodyStart, place, concern) {
  const element = Buffer.concat([
    Buffer.of(BSONType.object),
    Buffer.from("writeConcern\0"),
    serialize(concern),
  ]);
  const changed = Buffer.concat([message.subarray(0, place.start), element, message.subarray(place.end)]);
  const grownBytes = changed.length - message.length;
  changed.writeInt32LE(changed.length, 0);
  changed.writeInt32LE(changed.readInt32LE(bodyStart) + grownBytes, bodyStart);
  return changed;
}
