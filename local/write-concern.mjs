import { BSON_TYPE, elementsOf, flatDocument } from "./bson-document.mjs";
import { bodyOf } from "./wire-message.mjs";

/**
 * The engine forgets `j` when `w` is "majority": it acknowledges writes that are not in its journal, and a
 * kill -9 loses them. With `w: 1, j: true` it keeps its word. On a server of one both mean the same, so a
 * majority is spelled the way the engine understands.
 *
 * A stock replica set journals before it acknowledges a majority unless told `j: false`, and majority is what
 * it takes when a write names no concern; so it is here.
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
  for (const element of elementsOf(message, body.start)) {
    command ??= element.name;
    if (element.name !== "writeConcern" || element.type !== BSON_TYPE.document) continue;
    const concern = concernAt(message, element.value);
    return concern.isMajority
      ? replaced(message, body.start, element, { w: 1, j: concern.journal })
      : message;
  }
  if (command === undefined || !WRITE_COMMANDS.has(command)) return message;
  const end = body.end - 1; // before the byte that ends the document
  return replaced(message, body.start, { start: end, end }, { w: 1, j: true });
}

/**
 * @param {Buffer} message
 * @param {number} at
 */
function concernAt(message, at) {
  let isMajority = true; // as when no `w` is named
  let journal = true;
  for (const { name, type, value, end } of elementsOf(message, at)) {
    if (name === "w") {
      isMajority = type === BSON_TYPE.string && message.toString("latin1", value + 4, end - 1) === "majority";
    }
    if (name === "j" && type === BSON_TYPE.boolean) journal = message[value] === 1;
  }
  return { isMajority, journal };
}

/**
 * @param {Buffer} message
 * @param {number} bodyStart
 * @param {{ start: number, end: number }} place what the new element takes the place of
 * @param {Record<string, number | boolean>} concern
 */
function replaced(message, bodyStart, place, concern) {
  const element = Buffer.concat([
    Buffer.of(BSON_TYPE.document),
    Buffer.from("writeConcern\0"),
    flatDocument(concern),
  ]);
  const changed = Buffer.concat([message.subarray(0, place.start), element, message.subarray(place.end)]);
  const grownBytes = changed.length - message.length;
  changed.writeInt32LE(changed.length, 0);
  changed.writeInt32LE(changed.readInt32LE(bodyStart) + grownBytes, bodyStart);
  return changed;
}
