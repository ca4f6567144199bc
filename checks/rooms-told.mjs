/** Compares the table of rooms on docs/architecture.md with the rooms of checks/import-directions.mjs. */
import { codeSpansOf, tablesIn } from "./markdown.mjs";

/**
 * @param {string} page docs/architecture.md
 * @param {readonly string[]} rooms
 * @returns {string[]} what is wrong; a folder on the page that does not exist is reported by
 * references-exist.mjs
 */
export function roomsMissing(page, rooms) {
  const cells = tablesIn(page, "Rooms").flatMap(({ rows }) => rows.map(([cell = ""]) => cell));
  const told = new Set(cells.flatMap(codeSpansOf).map((room) => room.replace(/\/$/, "")));
  return rooms
    .filter((room) => !told.has(room))
    .map((room) => `docs/architecture.md does not have the room ${room}`);
}
