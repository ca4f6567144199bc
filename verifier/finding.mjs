/**
 * `holds`: the sentence is shown by the file. `note`: to know when reading the rest. `refused`: something
 * does not hold, and the file is worth nothing.
 *
 * @typedef {{ level: "holds" | "note" | "refused", reason?: string, text: string }} Finding
 */

/** @param {string} text @returns {Finding} */
export const holds = (text) => ({ level: "holds", text });
/** @param {string} text @returns {Finding} */
export const note = (text) => ({ level: "note", text });
