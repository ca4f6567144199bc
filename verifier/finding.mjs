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
/** @param {string} reason @param {string} text @returns {Finding} */
export const refused = (reason, text) => ({ level: "refused", reason, text });

/** @param {number | null} ms */
export const instant = (ms) => (ms === null ? "never" : new Date(ms).toISOString());

/** @param {number} count */
export const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
